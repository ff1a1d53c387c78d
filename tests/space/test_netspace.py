"""NetSpace's functions of one network, and the sizes that generated values are given."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.domains.presets import preset
from netspace_jax.space.netspace import make_constants, make_netspace
from tests import tiny


@pytest.fixture(scope="module")
def task():
    return tiny.task()


def random_flats(architecture, count, seed=0):
    return np.random.default_rng(seed).normal(2.0, 3.0, (count, architecture.size)).astype(np.float32)


def test_where_networks_are_shown_values_start_at_their_mean_with_their_layers_deviation(task):
    architecture, config = tiny.perceptron(), tiny.netspace_config()
    flats = random_flats(architecture, 50)
    flats[:, :48] *= 10  # the first layer's weights
    constants = make_constants(config, make_netspace(config, (architecture,)), task, (flats,))
    scale, shift = (np.asarray(table).reshape(-1) for table in (constants.scale[0], constants.shift[0]))
    np.testing.assert_allclose(shift[:67], flats.mean(0), rtol=1e-4)
    np.testing.assert_array_equal((scale[67:], shift[67:]), 0)
    expected = np.sqrt(np.square(flats[:, :48] - flats[:, :48].mean(0)).mean())
    np.testing.assert_allclose(scale[:48], expected, rtol=1e-4)
    assert expected > 5 * scale[50] and len(set(scale[48:51])) == 1


def test_where_none_is_shown_values_have_the_size_that_networks_start_with(task):
    architecture, config = tiny.perceptron(), tiny.netspace_config()
    constants = make_constants(config, make_netspace(config, (architecture,)), task, (np.zeros((0, 67), np.float32),))
    np.testing.assert_array_equal(constants.shift, 0)
    expected = np.repeat([1 / 4, 1 / 4, 1 / np.sqrt(3), 1 / np.sqrt(3)], [48, 3, 12, 4])  # fan-in 16 and 3, biases included
    np.testing.assert_allclose(np.asarray(constants.scale[0]).reshape(-1)[:67], expected, rtol=1e-6)


def test_values_may_start_at_one_network(task):
    """At the last that is shown, or, where none is, at one as it starts; their sizes are as around a mean."""
    built = (tiny.perceptron(), tiny.normed())
    config = tiny.netspace_config(prep=(8, 32))
    flats = (random_flats(built[0], 5), np.zeros((0, built[1].size), np.float32))
    mean, network, other = (make_constants(changed, make_netspace(changed, built), task, flats) for changed in (
        config, dataclasses.replace(config, center="network"), dataclasses.replace(config, center="network", seed=1)))
    np.testing.assert_array_equal(network.scale, mean.scale)
    np.testing.assert_array_equal(network.shift[0].reshape(-1)[:67], flats[0][-1])
    untrained = jax.jit(lambda key: built[1].finish(built[1].init(key)))(jax.random.key(0))
    np.testing.assert_allclose(network.shift[1].reshape(-1)[:built[1].size], untrained, rtol=1e-5, atol=1e-7)
    assert untrained.std() > 0.1
    assert (network.shift[0] == other.shift[0]).all() and (network.shift[1] != other.shift[1]).any()


@pytest.mark.parametrize("spread", [1.0, 0.1])
def test_how_far_from_the_centre_values_start(task, spread):
    """In deviations of their layer, less what a relu keeps of them: half of their square."""
    config = tiny.netspace_config(spread=spread, prep=(50, 200))
    space = make_netspace(config, (tiny.perceptron(),))
    constants = tiny.constants().replace(scale=jnp.full((1, 50, 200), 3.0), shift=jnp.full((1, 50, 200), 7.0))
    prep, _ = space.decoder.init_with_output(jax.random.key(0), jnp.arange(6.0), constants.scale[0], constants.shift[0],
                                             jnp.int32(0))
    np.testing.assert_allclose(np.sqrt(np.square(prep - 7).mean()) / 3, np.sqrt(0.5) * spread, rtol=0.05)


@pytest.mark.parametrize("shown", [0, 5])
def test_ends_of_residual_branches_are_damped(task, shown):
    """By 1/√n for n branches."""
    architecture = dataclasses.replace(architectures.build("resnet14", tiny.SHAPE, 4))
    plain = dataclasses.replace(architecture, branch_ends=())
    config = tiny.netspace_config(prep=(100, 150))
    flats = random_flats(architecture, shown)
    damped, whole = (np.asarray(make_constants(config, make_netspace(config, (one,)), task, (flats,)).scale).reshape(-1)
                     for one in (architecture, plain))
    for leaf, start in zip(architecture.spec.leaves, architecture.spec.offsets, strict=True):
        factor = 1 / np.sqrt(6) if "conv2" in leaf.path else 1.0
        part = slice(start, start + leaf.size)
        np.testing.assert_allclose(damped[part], factor * whole[part], rtol=1e-5)


def test_each_architecture_is_decoded_to_its_own_size(task):
    config = tiny.netspace_config(prep=(10, 20))
    built = tuple(tiny.perceptron(width) for width in (3, 4, 5))
    space = make_netspace(config, built)
    constants = make_constants(config, space, task, tuple(random_flats(one, 4) for one in built))
    params = jax.jit(space.init)(jax.random.key(0), task, constants)
    assert params.keys() == {"encoder", "decoder", "head"}
    flats = [jnp.asarray(random_flats(one, 1)[0]) for one in built]
    for kind, flat in enumerate(flats):
        z = space.encode(params, constants, task, flat, kind)
        chex.assert_shape(z, (6,))
        chex.assert_shape(space.classify(params, z), (3,))
        chex.assert_shape(space.decode(params, constants, z, kind), (built[kind].size,))
    z = space.encode(params, constants, task, flats[0], 0)
    assert np.abs(space.decode(params, constants, z, 0)[:67] - space.decode(params, constants, z, 1)[:67]).max() > 1e-3


def test_a_network_that_says_the_same_has_almost_the_same_embedding(task):
    """Neurons in another order: the encoder of behaviour sees the same answers."""
    config = tiny.netspace_config()
    architecture = tiny.perceptron()
    space = make_netspace(config, (architecture,))
    flats = random_flats(architecture, 4)
    constants = make_constants(config, space, task, (flats,))
    params = jax.jit(space.init)(jax.random.key(0), task, constants)
    flat, order = flats[0], np.array([2, 0, 1])
    permuted = np.concatenate([flat[:48].reshape(3, 16)[order].reshape(-1), flat[48:51][order],
                               flat[51:63].reshape(4, 3)[:, order].reshape(-1), flat[63:]])
    x = task.probes(8)
    np.testing.assert_allclose(architecture.apply(jnp.asarray(permuted), x), architecture.apply(jnp.asarray(flat), x), rtol=1e-4)
    encode = jax.jit(lambda flat: space.encode(params, constants, task, flat, 0))
    same, other = encode(jnp.asarray(permuted)) - encode(jnp.asarray(flat)), encode(jnp.asarray(flats[1])) - encode(jnp.asarray(flat))
    assert np.linalg.norm(same) < np.linalg.norm(other)


@pytest.mark.parametrize("name", ["cifar10-single", "tiny-imagenet-single", "cifar10-multi"])
def test_the_papers_sizes_without_their_memory(name):
    """Encoder, decoder and head of the paper's presets, by abstract evaluation."""
    config = preset(name)
    shape, outputs = ((64, 64, 3), 200) if "tiny" in name else ((32, 32, 3), 10)
    built = tuple(architectures.build(one, shape, outputs) for one in config.zoo.architectures)
    space = make_netspace(config.netspace, built)
    description, table, z = (jax.ShapeDtypeStruct(size, jnp.float32) for size in ((10,), config.netspace.prep, (4096,)))
    key, kind = jax.random.key(0), jax.ShapeDtypeStruct((), jnp.int32)
    found, params = jax.eval_shape(lambda d, t: space.encoder.init_with_output(key, d, t), description, table)
    assert found.shape == (4096,) and sum(leaf.size for leaf in jax.tree.leaves(params)) == 6_788_352
    found, _ = jax.eval_shape(lambda z, t, k: space.decoder.init_with_output(key, z, t, t, k), z, table, kind)
    assert found.shape == config.netspace.prep
    found, _ = jax.eval_shape(lambda z: space.head.init_with_output(key, z), z)
    assert found.shape == (len(built),)
