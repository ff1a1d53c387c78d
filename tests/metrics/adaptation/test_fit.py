"""All baselines of a tiny zoo, and their curves."""

import dataclasses

import jax
import numpy as np
import pytest

from netspace_jax.errors import InputError
from netspace_jax.metrics.adaptation import (
    BASELINES,
    AdaptationConfig,
    Adapter,
    Curves,
    adaptation_curves,
    fit_baselines,
    member_scores,
)
from netspace_jax.metrics.adaptation.curves import task_scores
from netspace_jax.metrics.adaptation.fit import UNTRAINED
from tests import tiny
from tests.metrics.adaptation import tasks

CONFIG = AdaptationConfig(
    examples=(1, 4, 12),
    pooled_steps=150,
    pooled_batch=32,
    pooled_rates=(1e-2,),
    tuning_rates=(1e-2,),
    tuning_steps=(0, 10),
    maml_steps=30,
    maml_tasks=4,
    inner_steps=2,
    inner_factors=(1.0,),
    inner_more=(1,),
    strengths=(0.01,),
    voters=4,
    large="perceptron5",
)
KEY = jax.random.key(0)


def fit(names, **changes):
    config = dataclasses.replace(CONFIG, **changes)
    training, validation = tasks.members("train"), tasks.members("validation")
    given = (tasks.data(), tiny.perceptron(6), training, validation.indices)
    return fit_baselines(KEY, *given, config=config, names=names)


SOME = ("nearest", "vote", "pooled", "pooled_tuned")


def curves_of(baselines):
    members = tasks.members("test")
    return adaptation_curves(KEY, tasks.data(), baselines.adapters, members.indices, CONFIG.examples, draws=2)


@pytest.fixture(scope="module")
def baselines():
    return fit(SOME)


@pytest.fixture(scope="module")
def curves(baselines):
    return curves_of(baselines).joined(member_scores(tasks.data(), "member", tasks.members("test"), CONFIG.examples))


@pytest.mark.long
def test_every_baseline_is_an_adapter():
    made = fit(BASELINES)
    assert tuple(made.adapters) == BASELINES and not made.left_out and made.seconds.keys() == set(BASELINES)
    assert all(isinstance(adapter, Adapter) for adapter in made.adapters.values())
    assert {name for name, adapter in made.adapters.items() if not adapter.one_network} == {"vote", "pooled_large"}
    curves = curves_of(made)
    assert curves.names == BASELINES and np.isfinite(curves.scores).all()


@pytest.mark.long
def test_curves_have_a_score_for_each_number_and_task(curves):
    members = tasks.members("test")
    assert curves.names == (*SOME, "member") and curves.scores.shape == (5, 3, len(members.members))
    assert np.isfinite(curves.scores).all() and min(curves.seconds[:-1]) > 0
    np.testing.assert_allclose(curves.of("member")[0], members.members.score_test, atol=1e-6)
    np.testing.assert_array_equal(curves.of("pooled")[0], curves.of("pooled")[2])


@pytest.mark.long
def test_the_baselines_do_well_on_easy_tasks(curves):
    assert (curves.of("nearest") > 0.7).all() and (curves.scores.mean(2) > 0.4).all()  # a quarter is chance


@pytest.mark.long
def test_a_task_alone_has_the_score_that_it_has_among_others(baselines):
    members = tasks.members("test").indices
    for name in ("nearest", "pooled_tuned"):
        given = (KEY, tasks.data(), baselines.adapters[name])
        np.testing.assert_allclose(
            task_scores(*given, members[:1], (1, 4)), task_scores(*given, members, (1, 4))[:1], atol=1e-6
        )


def test_wins_count_tasks_on_which_a_score_is_higher():
    scores = np.array([[[0.5, 0.5, 0.9]], [[0.4, 0.5, 0.8]], [[0.9, 0.9, 0.9]]])
    curves = Curves(("space", "nearest", "vote"), (1,), scores, (0.0,) * 3, (1,) * 3, (True, True, False))
    assert curves.best_rival("space", 0) == "nearest"
    np.testing.assert_allclose(curves.wins("space", "nearest", 0), 2 / 3)


def test_an_architecture_that_cannot_be_widened_is_left_out_with_a_reason():
    found = fit(("nearest", "pooled_large"), large="")
    assert tuple(found.adapters) == ("nearest",) and "--large" in found.left_out["pooled_large"]


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="unknown baseline 'best'"):
        fit(("best",))
    with pytest.raises(InputError, match="--examples 99 is more than the 30 validation examples"):
        fit(UNTRAINED, examples=(99,))
    with pytest.raises(InputError, match="at least one"):
        fit(UNTRAINED, examples=())
