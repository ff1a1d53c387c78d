"""Zoos in memory: the networks of a zoo on disk, readable in the same ways."""

import dataclasses

import chex
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh
from netspace_jax.zoo import export_zoo, fit_zoo, open_zoo, recipe, save_zoo
from tests import tiny
from tests.disk import content
from tests.zoo.members import everything

NAME = "perceptron3"


@pytest.fixture(scope="module")
def fitted(data):
    reports = []
    zoo = fit_zoo(
        tiny.zoo_config(),
        data,
        mesh=network_mesh(1),
        domain="images",
        on_progress=lambda *report: reports.append(report),
    )
    return zoo, reports


def test_a_zoo_in_memory_is_the_zoo_on_disk(fitted, undisturbed):
    zoo, reports = fitted
    on_disk, _ = undisturbed
    assert zoo.members == on_disk.members and zoo.description == on_disk.description
    np.testing.assert_array_equal(everything(zoo), everything(on_disk))
    assert (zoo.architectures, zoo.size, zoo.imported) == ((NAME,), 67, False)
    assert {key: zoo.summary[key] for key in zoo.summary if key != "seconds"}.items() <= on_disk.summary.items()
    assert sum(done for done, _, _ in reports) == reports[0][1] == zoo.members.steps.sum()
    for mine, theirs in (
        (zoo.networks(NAME, "train"), on_disk.networks(NAME, "train")),
        (zoo.window(NAME, "train", 4, 5), on_disk.window(NAME, "train", 4, 5)),
    ):
        assert mine.members == theirs.members
        np.testing.assert_array_equal(mine.parameters, theirs.parameters)
    np.testing.assert_array_equal(zoo.scores(NAME, "test"), on_disk.scores(NAME, "test"))


def test_it_lies_nowhere_until_it_is_saved(fitted, undisturbed, tmp_path):
    zoo, _ = fitted
    with pytest.raises(InputError, match="in memory: netspace_jax.zoo.save_zoo"):
        print(zoo.directory)
    saved = save_zoo(zoo, tmp_path / "zoo")
    assert (
        saved.members == zoo.members
        and (saved.directory / "members.csv").read_text() == (undisturbed[0].directory / "members.csv").read_text()
    )
    np.testing.assert_array_equal(everything(open_zoo(tmp_path / "zoo")), everything(zoo))
    before = content(tmp_path)
    with pytest.raises(InputError, match="not an empty directory"):
        save_zoo(zoo, tmp_path / "zoo")
    assert content(tmp_path) == before
    assert export_zoo(zoo, tmp_path / "zoo.safetensors").exists()


def test_another_seed_compiles_nothing(data):
    chex.clear_trace_counter()
    traced = chex.assert_max_traces(lambda state: state, n=1)

    def make_training(architecture, config):
        one = recipe(architecture, config)
        return one._replace(advance=lambda *given, **static: one.advance(traced(given[0]), *given[1:], **static))

    zoos = [
        fit_zoo(tiny.zoo_config(seed=seed, members=(6,), test=1, validation=1), data, make_training=make_training)
        for seed in range(3)
    ]
    assert len({row.tobytes() for zoo in zoos for row in everything(zoo)}) == 18


def test_architectures_need_no_registered_name(data):
    module = dataclasses.replace(tiny.perceptron(4), name="mine")
    config = tiny.zoo_config(architectures=("mine",), members=(5,), test=1, validation=1, steps=2)
    zoo = fit_zoo(config, data, modules=(module,))
    assert zoo.architectures == ("mine",) and zoo.size == tiny.perceptron(4).size


def test_a_domains_own_numbers_are_columns(data, tmp_path):
    def make_training(architecture, config):
        one = recipe(architecture, config)

        def finish(state, dataset):
            trained = one.finish(state, dataset)
            largest = jnp.abs(trained.flat).max()
            return trained._replace(outcome=trained.outcome.replace(columns={"largest": largest}))

        return one._replace(finish=finish)

    zoo = fit_zoo(tiny.zoo_config(members=(5,), test=1, validation=1, steps=2), data, make_training=make_training)
    np.testing.assert_allclose(zoo.members.largest, np.abs(everything(zoo)).max(1), rtol=1e-6)
    assert save_zoo(zoo, tmp_path / "zoo").members == zoo.members


def test_a_zoo_that_diverged_altogether_is_refused(data):
    config = tiny.zoo_config(learning_rate=1e30, optimizer="sgd", steps=5, min_steps=5)
    with pytest.raises(InputError, match="every network of the zoo diverged"):
        fit_zoo(config, data)
