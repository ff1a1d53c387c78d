"""Search as a report has it: who teaches, where it begins, and what is measured."""

import importlib

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.config import SearchConfig
from netspace_jax.domains.images.search import lower_half, search, search_architectures, teacher_of
from netspace_jax.metrics.outputs import scores_of
from tests import tiny

module = importlib.import_module("netspace_jax.domains.images.search")
CONFIG = SearchConfig(steps=30, learning_rate=0.1, validations=3)


@pytest.fixture(scope="module")
def trained():
    return tiny.trained()


@pytest.fixture(scope="module")
def both():
    return tiny.trained((3, 4), teacher="perceptron5")


@pytest.fixture(scope="module")
def section(trained):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "RATES", (3e-3, 3e-2))
        return search(trained, CONFIG)


def ranked(trained, split):
    """Members of a split, worst first by validation."""
    return sorted(trained.networks(0, split).members, key=lambda member: member.score_validation)


def test_without_a_teacher_the_best_member_teaches(trained):
    label, objective = teacher_of(trained)
    networks = trained.networks(0, "train")
    best = max(networks.members, key=lambda member: member.score_validation)
    np.testing.assert_array_equal(objective.flat, networks.parameters[best.index])
    assert objective.teacher == tiny.perceptron() and objective.label_weight == 0.5
    assert "best perceptron3" in label and f"{best.score_test:.3f}" in label


def test_a_zoos_teacher_teaches(both):
    label, objective = teacher_of(both)
    np.testing.assert_array_equal(objective.flat, tiny.flats(1, 5, 2)[0])
    assert objective.teacher == tiny.perceptron(5) and objective.label_weight == 0.1 and "perceptron5" in label


def test_a_member_of_the_lower_half_has_a_quarter_below_it(trained):
    networks = trained.networks(0, "train")
    score = networks.members[lower_half(networks)].score_validation
    scores = [member.score_validation for member in networks.members]
    assert sum(other < score for other in scores) <= 3 < sum(other <= score for other in scores)


@pytest.mark.long
def test_the_figures_of_a_search(trained, section):
    """Networks come back from their embeddings, so before is what the members are."""
    low, best = ranked(trained, "test")[1].score_validation, ranked(trained, "train")[-1]
    starts = [member.score_test for member in ranked(trained, "test") if member.score_validation == low]
    assert section.metrics["search/start_accuracy"] in np.float32(starts)
    np.testing.assert_allclose(section.metrics["search/zoo_best_accuracy"], best.score_test)
    assert section.metrics["search/best_accuracy"] > section.metrics["search/start_accuracy"] + 0.2
    assert section.metrics.keys() == {
        f"search/{name}_accuracy" for name in ("start", "best", "zoo_best", "random", "fine_tune")
    }


def test_a_row_for_each_way(trained, section):
    """Gradient steps are those of all searches of a row; what is chosen on validation images is no worse there."""
    header, *rows = section.table
    assert all(len(row) == len(header) for row in rows)
    assert [row[1] for row in rows] == ["30", "30", "30", "240", "30", "60", "60", "0", "0"]
    best = ranked(trained, "train")[-1]
    for row in (rows[1], rows[6]):
        assert row[2] == f"{best.score_test:.3f}" and float(row[3]) >= round(best.score_validation, 3)
    assert rows[7][2:] == ("–", f"{best.score_validation:.3f}", f"{best.score_test:.3f}")
    mean = jnp.asarray(trained.networks(0, "train").parameters.mean(0, keepdims=True))
    expected = [scores_of(trained.dataset, tiny.perceptron(), mean, split=split)[0] for split in ("validation", "test")]
    assert rows[8][3:] == tuple(f"{float(score):.3f}" for score in expected)


@pytest.mark.long
def test_from_each_architecture_to_each_other(both):
    section = search_architectures(both, CONFIG)
    pairs = ("perceptron3_to_perceptron4", "perceptron4_to_perceptron3")
    assert section.metrics.keys() == {
        f"search/{pair}/{figure}" for pair in pairs for figure in ("accuracy", "read_right")
    }
    assert {row[:2] for row in section.table[1:]} == {("perceptron3", "perceptron4"), ("perceptron4", "perceptron3")}
    for row, pair in zip(sorted(section.table[1:]), pairs, strict=True):
        assert section.metrics[f"search/{pair}/read_right"] == 1 and row[4] == "yes"
        assert row[2] == f"{section.metrics[f'search/{pair}/accuracy']:.3f}" > row[3]
