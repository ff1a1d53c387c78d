"""What NetSpace minimises: zero for a perfect autoencoder, and interpolation only where the reference has it."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.config import NetSpaceConfig
from netspace_jax.data.images import load_images
from netspace_jax.netspace import Constants, NetSpace, make_constants, make_netspace
from netspace_jax.objectives import Objective, Shown, boundary_pairs
from netspace_jax.prep import flatten
from netspace_jax.tasks.classification import classification

NAMES = ("lenetlike", "vanilla_cnn", "resnet8")
CONFIG = NetSpaceConfig(prep=(64, 80), embedding=8, hidden=16, probes=4, networks=6, batch=8)


class Copy(nn.Module):
    """An encoder whose embedding is the PRep itself."""

    @nn.compact
    def __call__(self, description, prep):
        return prep.reshape(-1)


class Paste(nn.Module):
    """A decoder that gives back what `Copy` took."""

    shape: tuple[int, int]

    @nn.compact
    def __call__(self, z, scale, shift, architecture):
        return z.reshape(self.shape)


class Silent(nn.Module):
    """A head that finds all architectures equally likely."""

    architectures: int

    @nn.compact
    def __call__(self, z):
        return jnp.zeros(self.architectures)


@pytest.fixture(scope="module")
def task():
    return classification(load_images("digits"), 0, False)


def networks(name, count):
    architecture = architectures.build(name, (8, 8, 1), 10)
    keys = jax.random.split(jax.random.key(1), count)
    params = jax.vmap(lambda key: architecture.module.init(key, jnp.zeros((1, 8, 8, 1)))["params"])(keys)
    return Shown(jax.vmap(lambda p: flatten(architecture.spec, p))(params), jnp.zeros(count, jnp.int32))


def perfect(names):
    """A NetSpace that gives every network back unchanged."""
    built = tuple(architectures.build(name, (8, 8, 1), 10) for name in names)
    space = NetSpace(built, CONFIG.prep, Copy(), Paste(CONFIG.prep), Silent(len(names)))
    size = len(names)
    constants = Constants(jnp.zeros((4, 8, 8, 1)), jnp.zeros((size, *CONFIG.prep)), jnp.zeros((size, *CONFIG.prep)))
    return space, {"encoder": {}, "decoder": {}, "head": {}}, constants


def losses(space, params, constants, task, names, teacher=None, **changes):
    config = dataclasses.replace(CONFIG, **changes)
    kinds = tuple(range(len(names)))
    shown = tuple(networks(name, 2) for name in names)
    return Objective(space, config, kinds)(params, constants, task, shown, jax.random.key(0), jnp.int32(3), teacher)[1]


def test_a_perfect_autoencoder_has_no_loss(task):
    found = losses(*perfect(NAMES[:1]), task, NAMES[:1])
    np.testing.assert_allclose(found.total, 0, atol=1e-5)


def test_a_silent_head_costs_the_logarithm_of_the_architectures(task):
    found = losses(*perfect(NAMES), task, NAMES)
    np.testing.assert_allclose(found.behaviour, 0, atol=1e-5)
    np.testing.assert_allclose(found.architecture, np.log(3), rtol=1e-5)
    np.testing.assert_allclose(found.total, np.log(3), rtol=1e-5)


def test_another_network_than_its_own_costs(task):
    space, params, constants = perfect(NAMES[:1])
    broken = dataclasses.replace(space, decoder=type("Shifted", (Paste,), {
        "__call__": nn.compact(lambda self, z, scale, shift, architecture: z.reshape(self.shape) + 0.3)})(CONFIG.prep))
    assert losses(broken, params, constants, task, NAMES[:1]).behaviour > 1e-3


@pytest.mark.parametrize(("architectures_", "pairs"), [
    (1, ()), (2, ()), (3, ((0, 2),)), (4, ((0, 3),)), (5, ((0, 4),)), (6, ((0, 5),))])
def test_only_the_furthest_pairs_are_interpolated(architectures_, pairs):
    assert boundary_pairs(architectures_) == pairs


def test_interpolated_embeddings_are_taught_by_the_teacher_and_read_as_what_lies_between(task):
    space, _, _ = perfect(NAMES)
    space = make_netspace(CONFIG, space.architectures)
    shown = tuple(networks(name, 2).flats for name in NAMES)
    constants = make_constants(CONFIG, space, task, tuple(np.asarray(flats) for flats in shown))
    params = space.init(jax.random.key(0), task, constants)

    def teacher(x):
        return jnp.zeros((len(x), 10))

    without = losses(space, params, constants, task, NAMES, teacher, teaching="common")
    found = losses(space, params, constants, task, NAMES, teacher, teaching="common", interpolation=True)
    assert without.interpolation == 0
    assert found.interpolation > 0
    np.testing.assert_allclose(found.behaviour, without.behaviour, rtol=1e-5)
    np.testing.assert_allclose(found.total, found.behaviour + found.architecture + found.interpolation, rtol=1e-5)


def test_a_common_teacher_and_labels_are_weighed(task):
    space, params, constants = perfect(NAMES[:1])

    def teacher(x):
        return jnp.zeros((len(x), 10))

    def value(weight):
        return float(losses(space, params, constants, task, NAMES[:1], teacher, teaching="common", label_weight=weight).behaviour)

    np.testing.assert_allclose(value(0.25), 0.75 * value(0.0) + 0.25 * value(1.0), rtol=1e-4)
