"""A space is learned in memory: of arrays, of trees, with modules of one's own, and with any seed by one program."""

import dataclasses
import warnings

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import netspace_jax
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.config import fitting_prep
from netspace_jax.errors import InputError
from netspace_jax.fit import fit_space
from netspace_jax.ops.devices import netspace_mesh
from netspace_jax.space.groups import as_flats
from netspace_jax.space.step import make_training
from tests import tiny

CONFIG = tiny.netspace_config(steps=6, validations=2, log_every=2)


@pytest.fixture(scope="module")
def data():
    return tiny.dataset()


@pytest.fixture(scope="module")
def flats():
    return np.asarray(tiny.flats(16))


def fitted(networks, data, key=0, **options):
    return fit_space({"perceptron3": networks}, data.behaviour, data, CONFIG, key, **options)


@pytest.fixture(scope="module")
def space(flats, data):
    return fitted(flats, data)


@pytest.mark.long
def test_every_eighth_network_chooses_and_the_others_train(space, flats):
    assert space.names == ("perceptron3",) and space.embeddings["perceptron3"].shape == (14, 6)
    training = np.delete(flats, [7, 15], axis=0)
    np.testing.assert_allclose(space.encode(training), space.embeddings["perceptron3"], atol=1e-4)


def test_trees_and_lists_are_the_same_networks(space, flats, data):
    spec = tiny.perceptron().spec
    stacked = jax.vmap(lambda flat: unflatten(spec, flat))(jnp.asarray(flats))
    listed = [unflatten(spec, jnp.asarray(flat)) for flat in flats]
    for networks in (stacked, {"params": stacked}, listed):
        np.testing.assert_array_equal(as_flats(networks, tiny.perceptron()), flats)
    chex.assert_trees_all_equal(fitted(stacked, data).params, space.params)


def test_the_callback_is_told_of_losses_and_of_validation(flats, data):
    steps = {}
    fitted(flats, data, callback=lambda step, metrics: steps.setdefault(step, {}).update(metrics))
    assert list(steps) == [2, 3, 4, 6]
    assert {"total", "behaviour", "validation_gap"} <= steps[6].keys() and "total" not in steps[3]


def test_another_seed_is_another_space_by_the_same_program(space, flats, data):
    training = make_training(fitting_prep(CONFIG, tiny.perceptron().size), (0,), netspace_mesh(0, 8, 16))
    programs = training.init._cache_size(), training.advance.counted._cache_size()
    other = fitted(flats, data, jax.random.key(1))
    assert programs == (training.init._cache_size(), training.advance.counted._cache_size()) and min(programs) > 0
    first, second = (value.params["encoder"]["Dense_0"]["kernel"] for value in (space, other))
    assert (np.asarray(first) != np.asarray(second)).all()


@netspace_jax.register_module
class Weights(nn.Module):
    """An encoder of raw weights."""

    embedding: int

    @nn.compact
    def __call__(self, seen):
        return nn.Dense(self.embedding)(seen.prep.reshape(-1))


class Unknown(Weights):
    """One that nobody registered."""


@pytest.mark.long
def test_an_encoder_of_ones_own_is_saved_and_found_again(flats, data, tmp_path):
    space = fitted(flats, data, encoder=Weights(5))
    assert space.embedding_size == 5 and isinstance(space.encoder, Weights)
    space.save(tmp_path / "space")
    z = space.encode(flats)
    np.testing.assert_array_equal(netspace_jax.load(tmp_path / "space").encode(flats), z)
    with pytest.raises(InputError, match="module Unknown of your own: decorate its class"):
        fitted(flats, data, encoder=Unknown(5)).save(tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_the_pure_layer_is_jitted_vmapped_and_differentiated(space, flats, data):
    z = jax.jit(jax.vmap(lambda flat: space.embed(flat, 0)))(jnp.asarray(flats))
    generated = jax.jit(jax.vmap(lambda z: space.generate(z, 0)))(z)
    np.testing.assert_allclose(generated, [network.flat for network in space.decode(z)], atol=1e-5)
    images, labels = data.examples("validation")

    def loss(z):
        return space.behaviour.fit_loss(space.architectures[0].apply(space.generate(z, 0), images), labels)

    gradient = jax.jit(jax.vmap(jax.grad(loss)))(z)
    step = 1e-2 * gradient / jnp.linalg.norm(gradient, axis=1, keepdims=True)
    change = jax.vmap(loss)(z + step) - jax.vmap(loss)(z - step)
    np.testing.assert_allclose(change / 2, (step * gradient).sum(1), rtol=0.05, atol=1e-5)


def test_a_network_is_a_tree(space, flats, data):
    network = space.decode(space.encode(flats[0]))
    images = data.examples("test").inputs
    logits = jax.jit(lambda network, x: network(x))(network, images)
    np.testing.assert_allclose(logits, network(images), atol=1e-5)
    doubled = jax.tree.map(lambda leaf: 2 * leaf, network)
    np.testing.assert_array_equal(doubled.flat, 2 * network.flat)


@pytest.mark.parametrize(
    ("networks", "message"),
    [
        (np.zeros((16, 5), np.float32), "takes flat parameters"),
        (np.full((16, 67), np.nan, np.float32), "network 0 is not finite"),
        (np.zeros((3, 67), np.float32), "3 perceptron3s are left to train a space on and 0 to choose by"),
    ],
)
def test_networks_that_cannot_be_are_refused(networks, message, data):
    with pytest.raises(InputError, match=message):
        fitted(networks, data)


def test_a_configuration_that_cannot_be_is_refused(flats, data):
    with pytest.raises(InputError, match="needs a teacher"):
        fit_space({"perceptron3": flats}, data.behaviour, data, dataclasses.replace(CONFIG, teaching="common"))
    with pytest.raises(InputError, match="no networks"):
        fit_space({}, data.behaviour, data, CONFIG)


@pytest.mark.long
def test_a_set_encoder_is_trained_on_the_networks_answers_alone_and_then_reads_examples(flats, data):
    """And no label changes what is learned."""
    config = dataclasses.replace(CONFIG, encoder="set", probes=8, pairs=4)
    space = fit_space({"perceptron3": flats}, data.behaviour, data, config, 0)
    train = data.train.replace(y=(data.train.y + 1) % tiny.CLASSES)
    other = fit_space({"perceptron3": flats}, data.behaviour, data.replace(train=train), config, 0)
    chex.assert_trees_all_equal(other.params, space.params)
    images = np.asarray(data.examples("test").inputs)
    z = space.encode(flats, inputs=images)
    assert z.shape == (16, config.embedding) and np.ptp(z, 0).min() > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it learned for six steps
        adapted = space.adapt(images[:4], np.arange(4))
    assert adapted.network(images).shape == (len(images), tiny.CLASSES)
