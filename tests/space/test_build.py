"""The sizes and centers that generated values are given, and a NetSpace's parameters before training."""

import dataclasses

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.domain import preset
from netspace_jax.domains.images.dataset import Classification
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.space.build import initial_params, layer_scales, make_constants, make_netspace
from netspace_jax.space.observation import Observation
from tests import tiny


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def random_flats(architecture, count, seed=0):
    return np.random.default_rng(seed).normal(2.0, 3.0, (count, architecture.size)).astype(np.float32)


def test_where_networks_train_the_space_values_start_at_their_mean_with_their_layers_deviation(dataset):
    architecture, config = tiny.perceptron(), tiny.netspace_config()
    flats = random_flats(architecture, 50)
    flats[:, :48] *= 10  # the first layer's weights
    constants = make_constants(config, (architecture,), dataset, (flats,))
    scale, shift = (np.asarray(table).reshape(-1) for table in (constants.scale[0], constants.shift[0]))
    np.testing.assert_allclose(shift[:67], flats.mean(0), rtol=1e-4)
    np.testing.assert_array_equal((scale[67:], shift[67:]), 0)
    expected = np.sqrt(np.square(flats[:, :48] - flats[:, :48].mean(0)).mean())
    np.testing.assert_allclose(scale[:48], expected, rtol=1e-4)
    assert expected > 5 * scale[50] and len(set(scale[48:51])) == 1


def test_where_none_does_values_have_the_size_that_networks_start_with(dataset):
    architecture, config = tiny.perceptron(), tiny.netspace_config()
    constants = make_constants(config, (architecture,), dataset, (np.zeros((0, 67), np.float32),))
    np.testing.assert_array_equal(constants.shift, 0)
    expected = np.repeat(
        [1 / 4, 1 / 4, 1 / np.sqrt(3), 1 / np.sqrt(3)], [48, 3, 12, 4]
    )  # fan-in 16 and 3, biases included
    np.testing.assert_allclose(np.asarray(constants.scale[0]).reshape(-1)[:67], expected, rtol=1e-6)


def test_values_may_start_at_one_network(dataset):
    """At the last that trains the space, or, where none does, at one as it starts; their sizes are as around a mean."""
    built = (tiny.perceptron(), tiny.normed())
    config = tiny.netspace_config(prep=(8, 32))
    flats = (random_flats(built[0], 5), np.zeros((0, built[1].size), np.float32))
    mean, network, other = (
        make_constants(changed, built, dataset, flats)
        for changed in (
            config,
            dataclasses.replace(config, center="network"),
            dataclasses.replace(config, center="network", seed=1),
        )
    )
    np.testing.assert_array_equal(network.scale, mean.scale)
    np.testing.assert_array_equal(network.shift[0].reshape(-1)[:67], flats[0][-1])
    untrained = jax.jit(lambda key: built[1].finish(built[1].init(key)))(key_of(0, Purpose.CENTER))
    np.testing.assert_allclose(network.shift[1].reshape(-1)[: built[1].size], untrained, rtol=1e-5, atol=1e-7)
    assert untrained.std() > 0.1
    assert (network.shift[0] == other.shift[0]).all() and (network.shift[1] != other.shift[1]).any()


@pytest.mark.parametrize("initial_scale", [1.0, 0.1])
def test_how_far_from_the_centre_values_start(initial_scale):
    """In deviations of their layer, less what a relu keeps of them: half of their square."""
    config = tiny.netspace_config(initial_scale=initial_scale, prep=(50, 200))
    constants = tiny.constants().replace(scale=jnp.full((1, 50, 200), 3.0), shift=jnp.full((1, 50, 200), 7.0))
    netspace = make_netspace(config, (tiny.perceptron(),), tiny.TASK, constants)
    prep, _ = netspace.decoder.init_with_output(
        jax.random.key(0), jnp.arange(6.0), constants.scale[0], constants.shift[0], 0
    )
    np.testing.assert_allclose(np.sqrt(np.square(prep - 7).mean()) / 3, np.sqrt(0.5) * initial_scale, rtol=0.05)


@pytest.mark.parametrize("count", [0, 5])
def test_ends_of_residual_branches_are_damped(dataset, count):
    """By 1/√n for n branches."""
    architecture = dataclasses.replace(architectures.build("resnet14", tiny.SHAPE, 4))
    plain = dataclasses.replace(architecture, branch_ends=())
    config = tiny.netspace_config(prep=(100, 150))
    flats = random_flats(architecture, count)
    damped, whole = (
        np.asarray(make_constants(config, (one,), dataset, (flats,)).scale).reshape(-1) for one in (architecture, plain)
    )
    for leaf, start in zip(architecture.spec.leaves, architecture.spec.offsets, strict=True):
        factor = 1 / np.sqrt(6) if "conv2" in leaf.path else 1.0
        part = slice(start, start + leaf.size)
        np.testing.assert_allclose(damped[part], factor * whole[part], rtol=1e-5)


def test_the_unit_of_noise_is_the_deviation_of_each_parameters_layer(dataset):
    built = tuple(tiny.perceptron(width) for width in (3, 4))
    flats = tuple(random_flats(one, 20) for one in built)
    constants = make_constants(tiny.netspace_config(), built, dataset, flats)
    netspace = make_netspace(tiny.netspace_config(), built, dataset.behaviour, constants)
    units = np.asarray(layer_scales(netspace, 1))
    assert units.shape == (built[1].size,) == (88,)
    expected = np.sqrt(np.square(flats[1][:, :64] - flats[1][:, :64].mean(0)).mean())
    np.testing.assert_allclose(units[:64], expected, rtol=1e-4)


@pytest.mark.long
def test_seeds_give_other_starts(dataset):
    netspace = make_netspace(tiny.netspace_config(), (tiny.perceptron(),), dataset.behaviour, tiny.constants())
    netspace = netspace.replace(
        constants=netspace.constants.replace(scale=jnp.ones((1, 8, 16)), shift=jnp.zeros((1, 8, 16)))
    )
    first, again, other = (initial_params(netspace, jax.random.key(seed)) for seed in (0, 0, 1))
    assert first.keys() == {"encoder", "decoder", "head"}
    chex.assert_trees_all_equal(first, again)
    chex.assert_trees_all_equal_shapes(first, other)
    kernels = [params["encoder"]["Dense_0"]["kernel"] for params in (first, other)]
    assert (kernels[0] != kernels[1]).all()


@pytest.mark.parametrize("name", ["cifar10-single", "tiny-imagenet-single", "cifar10-multi"])
def test_the_papers_sizes_without_their_memory(name):
    """Encoder, decoder and head of the paper's presets, by abstract evaluation."""
    config = preset(name)
    shape, outputs = ((64, 64, 3), 200) if "tiny" in name else ((32, 32, 3), 10)
    built = tuple(architectures.build(one, shape, outputs) for one in config.zoo.architectures)
    behaviour = Classification(shape, outputs, (0.5,) * 3, (0.2,) * 3)
    netspace = make_netspace(config.netspace, built, behaviour, tiny.constants(len(built)))
    description, table, z = (jax.ShapeDtypeStruct(size, jnp.float32) for size in ((10,), config.netspace.prep, (4096,)))
    key, which = jax.random.key(0), jax.ShapeDtypeStruct((), jnp.int32)
    found, params = jax.eval_shape(
        lambda d, t: netspace.encoder.init_with_output(key, Observation(d, d, t, tiny.no_pairs())), description, table
    )
    assert found.shape == (4096,) and sum(leaf.size for leaf in jax.tree.leaves(params)) == 6_788_352
    found, _ = jax.eval_shape(lambda z, t, k: netspace.decoder.init_with_output(key, z, t, t, k), z, table, which)
    assert found.shape == config.netspace.prep
    found, _ = jax.eval_shape(lambda z: netspace.head.init_with_output(key, z), z)
    assert found.shape == (len(built),)
