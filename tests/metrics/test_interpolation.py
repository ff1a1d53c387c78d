"""The way between two networks, and what lies between architectures."""

import jax.numpy as jnp
import numpy as np

from netspace_jax.latent.search import line
from netspace_jax.metrics.between import all_pairs, between_boundaries
from netspace_jax.metrics.interpolation import interpolate
from netspace_jax.metrics.reconstruction import Reconstruction
from netspace_jax.space.behaviour import score_networks
from tests import tiny


def test_a_line_has_equal_steps_and_both_ends():
    a, b = jnp.array([0.0, 1.0, -3.0]), jnp.array([1.0, 1.0, 5.0])
    points = line(a, b, 5)
    np.testing.assert_allclose(points, [[0, 1, -3], [0.25, 1, -1], [0.5, 1, 1], [0.75, 1, 3], [1, 1, 5]], atol=1e-6)


def test_where_embeddings_are_weights_both_ways_are_one():
    task, networks = tiny.task(), tiny.networks(2)
    way = interpolate(tiny.unchanged(), tiny.NO_PARAMS, tiny.constants(), task, networks.flats, jnp.int32(0), 0, steps=11)
    np.testing.assert_allclose(way.share, np.linspace(0, 1, 11))
    np.testing.assert_allclose(way.latent, way.weights, atol=1e-6)
    middle = networks.flats.mean(0, keepdims=True)
    expected = score_networks(tiny.perceptron(), jnp.concatenate([networks.flats, middle]), task, jnp.zeros(3, jnp.int32), "test")
    np.testing.assert_allclose(way.weights[[0, -1, 5]], expected, atol=1e-6)


def test_each_way_is_its_own():
    """A decoder that turns every sign, so that what lies along the embeddings is known."""
    task, networks = tiny.task(), tiny.networks(2)
    way = interpolate(tiny.unchanged(factor=-1.0), tiny.NO_PARAMS, tiny.constants(), task, networks.flats, jnp.int32(0), 0, steps=5)
    points, items = line(networks.flats[0], networks.flats[1], 5), jnp.zeros(5, jnp.int32)
    np.testing.assert_allclose(way.weights, score_networks(tiny.perceptron(), points, task, items, "test"), atol=1e-6)
    np.testing.assert_allclose(way.latent, score_networks(tiny.perceptron(), -points, task, items, "test"), atol=1e-6)


def reconstructed(count, value):
    nothing = jnp.zeros(count)
    return Reconstruction(value + jnp.arange(count)[:, None] * jnp.ones((1, 2)), nothing, nothing, nothing, nothing, nothing)


def test_what_lies_between_architectures():
    """Of four: a third and two thirds of the way from the first to the last, the shorter list taken in turn."""
    found = list(between_boundaries(tiny.unchanged((3, 4, 5, 6)), {0: reconstructed(3, 0.0), 3: reconstructed(2, 100.0)}))
    assert [(b.low, b.high, b.kind) for b in found] == [(0, 3, 1), (0, 3, 2)]
    low, high = np.array([0, 1, 2]), np.array([100, 101, 100])
    for between, share in zip(found, (1 / 3, 2 / 3), strict=True):
        np.testing.assert_allclose(between.embedding[:, 0], (1 - share) * low + share * high, rtol=1e-6)
        np.testing.assert_array_equal(between.embedding[:, 0], between.embedding[:, 1])


def test_two_architectures_have_nothing_between_and_pairs_are_bounded():
    assert not list(between_boundaries(tiny.unchanged((3, 4)), {0: reconstructed(2, 0.0), 1: reconstructed(2, 1.0)}))
    few = list(between_boundaries(tiny.unchanged((3, 4, 5)), {0: reconstructed(9, 0.0), 2: reconstructed(9, 1.0)}, most=4))
    assert [len(between.embedding) for between in few] == [4]


def test_all_pairs_are_each_with_each():
    found = {0: reconstructed(2, 0.0), 2: reconstructed(3, 1.0)}
    between, = between_boundaries(tiny.unchanged((3, 4, 5)), found, all_pairs)
    wanted = [(a + b) / 2 for a in found[0].embedding for b in found[2].embedding]
    np.testing.assert_allclose(between.embedding, wanted, rtol=1e-6)
