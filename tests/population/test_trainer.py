"""Training of many networks: the same alone, together and spread over devices."""

import dataclasses
import functools

import chex
import jax
import numpy as np
import pytest

from netspace_jax.domains.images.loading import training
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh
from netspace_jax.population.trainer import Trainer
from netspace_jax.zoo.plan import untrained
from tests import tiny

COUNT = 5
STOPS = np.array([12, 0, 3, 1, 9], np.int32)
ARCHITECTURES = {"perceptron3": tiny.perceptron, "normed": tiny.normed}
CONFIGS = {
    "adam": tiny.zoo_config(steps=12),
    "sgd": tiny.zoo_config(steps=12, optimizer="sgd", weight_decay=5e-4),
    "shared": tiny.zoo_config(steps=12, shared_init=True),
    "bfloat16": tiny.zoo_config(steps=12, optimizer="sgd", weight_decay=5e-4, precision="bfloat16"),
}


@pytest.fixture(scope="module")
def data():
    return tiny.dataset(crop_padding=1)


def networks(name, recipe, stops):
    return dataclasses.replace(untrained(CONFIGS[recipe], name, COUNT), stop=stops)


@functools.cache
def trainer(recipe, devices):
    return Trainer(lambda architecture: training(architecture, CONFIGS[recipe]), network_mesh(devices))


def train(data, name="perceptron3", recipe="adam", *, devices=1, stops=STOPS, chosen=trainer, **keywords):
    architecture = ARCHITECTURES[name]()
    trained = chosen(recipe, devices).train(networks(name, recipe, stops), architecture, data, **keywords)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:COUNT], trained)


def assert_same(ours, theirs):
    """Parameters within 5e-6 of the largest."""
    assert ours.flat.shape == theirs.flat.shape
    assert np.abs(ours.flat - theirs.flat).max() <= 5e-6 * np.abs(theirs.flat).max()


@pytest.mark.parametrize(("name", "recipe"), [("perceptron3", "adam"), ("normed", "sgd")])
def test_together_is_as_each_alone(data, name, recipe):
    together = train(data, name, recipe)
    one = training(ARCHITECTURES[name](), CONFIGS[recipe])
    start, advance, finish = jax.jit(one.start), jax.jit(one.advance), jax.jit(one.finish)
    for index in range(COUNT):
        state = start(jax.tree.map(lambda leaf, index=index: leaf[index], networks(name, recipe, STOPS)), data)
        alone = finish(advance(state, data, 0, int(STOPS[index])), data)
        assert_same(jax.tree.map(lambda leaf, index=index: leaf[index], together), alone)


@pytest.mark.parametrize("devices", [pytest.param(2, marks=pytest.mark.long), 8])
def test_spread_over_devices_is_as_on_one(data, devices):
    assert_same(train(data, devices=devices), train(data))


@pytest.mark.long
def test_networks_of_batch_norms_spread_over_devices(data):
    assert_same(train(data, "normed", "sgd", devices=8), train(data, "normed", "sgd"))


@pytest.mark.parametrize("name", [pytest.param("perceptron3", marks=pytest.mark.long), "normed"])
def test_in_bfloat16_products_are_rounded_and_parameters_are_not(data, name):
    """Steps of less than a bfloat16's last place add up; what comes out is near float32's, and not the same."""
    rounded, exact = train(data, name, "bfloat16"), train(data, name, "sgd")
    moved = np.abs(exact.flat - train(data, name, "sgd", stops=np.zeros(COUNT, np.int32)).flat)
    difference = np.abs(rounded.flat - exact.flat)
    assert rounded.flat.dtype == np.float32 and rounded.outcome.finite.all()
    assert 0 < difference.max() <= 0.1 * moved.max()


def test_what_is_reported_is_true(data):
    """The scores are those of the parameters, the loss is the last step's, progress adds up to all steps."""
    steps = []
    trained = train(data, on_steps=lambda done, loss: steps.append(done))
    apply = jax.jit(tiny.perceptron().apply)
    for split, scores in (("validation", trained.outcome.score_validation), ("test", trained.outcome.score_test)):
        examples = data.examples(split)
        expected = [
            (np.asarray(apply(flat, examples.inputs)).argmax(1) == examples.targets).mean() for flat in trained.flat
        ]
        np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert np.isnan(trained.outcome.loss[STOPS == 0]).all() and (trained.outcome.loss[STOPS > 0] > 0).all()
    assert sum(steps) == STOPS.sum() and min(steps) >= 0


def test_training_learns(data):
    untrained, trained = (train(data, stops=np.full(COUNT, steps, np.int32)) for steps in (0, 12))
    assert trained.outcome.score_test.mean() > untrained.outcome.score_test.mean() + 0.2


def test_different_lengths_are_traced_once(data):
    chex.clear_trace_counter()

    one = training(tiny.perceptron(), CONFIGS["adam"])
    advance = chex.assert_max_traces(one.advance, n=1)

    def counted(architecture):
        return one._replace(advance=advance)

    own = Trainer(counted, network_mesh(1))
    for stops in (STOPS, STOPS[::-1].copy(), np.minimum(STOPS, 2)):
        train(data, stops=stops, chosen=lambda *_: own)


def test_members_of_a_shared_initialisation_see_batches_of_their_own(data):
    trained = train(data, recipe="shared", stops=np.full(COUNT, 3, np.int32))
    assert np.abs(trained.flat[0] - trained.flat[1]).max() > 1e-3


def test_too_many_devices_are_refused():
    with pytest.raises(InputError, match="--devices 9: .* 8 cpu"):
        network_mesh(9)
