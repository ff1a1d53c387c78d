"""NetSpace's functions of one network."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.space.build import initial_params, make_constants, make_netspace
from tests import tiny


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def random_flats(architecture, count, seed=0):
    return np.random.default_rng(seed).normal(2.0, 3.0, (count, architecture.size)).astype(np.float32)


def untrained(dataset, config, built, members):
    netspace = make_netspace(config, built, dataset.behaviour, make_constants(config, built, dataset, members))
    return netspace.replace(params=jax.jit(initial_params)(netspace, jax.random.key(0)))


def test_each_architecture_is_decoded_to_its_own_size(dataset):
    built = tuple(tiny.perceptron(width) for width in (3, 4, 5))
    netspace = untrained(
        dataset, tiny.netspace_config(prep=(10, 20)), built, tuple(random_flats(one, 4) for one in built)
    )
    assert netspace.params.keys() == {"encoder", "decoder", "head"}
    assert netspace.names == ("perceptron3", "perceptron4", "perceptron5")
    flats = [jnp.asarray(random_flats(one, 1)[0]) for one in built]
    for which, flat in enumerate(flats):
        z = jax.eval_shape(lambda flat, which=which: netspace.embed(flat, which), flat)
        chex.assert_shape(z, (6,))
        chex.assert_shape(jax.eval_shape(netspace.classify, z), (3,))
        chex.assert_shape(jax.eval_shape(lambda z, which=which: netspace.generate(z, which), z), (built[which].size,))
    z = jax.jit(lambda flat: netspace.embed(flat, 0))(flats[0])
    first, second = jax.jit(lambda z: (netspace.generate(z, 0), netspace.generate(z, 1)))(z)
    assert np.abs(first[:67] - second[:67]).max() > 1e-3


def test_it_is_a_pytree_of_parameters_and_constants(dataset):
    netspace = untrained(dataset, tiny.netspace_config(), (tiny.perceptron(),), (random_flats(tiny.perceptron(), 4),))
    chex.assert_trees_all_equal(jax.tree.leaves(netspace), jax.tree.leaves((netspace.params, netspace.constants)))
    flat = jnp.asarray(random_flats(tiny.perceptron(), 1)[0])
    whole = jax.jit(lambda netspace, flat: netspace.generate(netspace.embed(flat, 0), 0))(netspace, flat)
    np.testing.assert_allclose(whole, netspace.generate(netspace.embed(flat, 0), 0), rtol=1e-5, atol=1e-5)


def test_a_network_that_says_the_same_has_almost_the_same_embedding(dataset):
    """Neurons in another order: the encoder of behaviour sees the same answers."""
    architecture = tiny.perceptron()
    flats = random_flats(architecture, 4)
    netspace = untrained(dataset, tiny.netspace_config(), (architecture,), (flats,))
    flat, order = flats[0], np.array([2, 0, 1])
    first, second = flat[:48].reshape(3, 16)[order], flat[51:63].reshape(4, 3)[:, order]
    permuted = np.concatenate([first.reshape(-1), flat[48:51][order], second.reshape(-1), flat[63:]])
    flat, permuted, another = jnp.asarray(flat), jnp.asarray(permuted), jnp.asarray(flats[1])
    x = dataset.probes(8)
    np.testing.assert_allclose(architecture.apply(permuted, x), architecture.apply(flat, x), rtol=1e-4)
    embed = jax.jit(lambda flat: netspace.embed(flat, 0))
    same, other = embed(permuted) - embed(flat), embed(another) - embed(flat)
    assert np.linalg.norm(same) < np.linalg.norm(other)
