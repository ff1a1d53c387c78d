"""The way between two networks, and what lies between architectures."""

import numpy as np

from netspace_jax.latent import line
from netspace_jax.metrics.interpolation import all_pairs, between_boundaries, interpolate
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.metrics.reconstruction import Reconstruction
from netspace_jax.space.batched import embed_many
from tests import tiny


def embedded(flats):
    return embed_many(tiny.unchanged(), 0, flats)


def test_where_embeddings_are_weights_both_ways_are_one():
    dataset, flats = tiny.dataset(), tiny.networks(2).parameters
    way = interpolate(tiny.unchanged(), dataset, flats, embedded(flats), 0, steps=11)
    np.testing.assert_allclose(way.share, np.linspace(0, 1, 11))
    np.testing.assert_allclose(way.latent, way.weights, atol=1e-6)
    ends_and_middle = np.concatenate([flats, flats.mean(0, keepdims=True)])
    expected = scores_of(dataset, tiny.perceptron(), ends_and_middle, split="test")
    np.testing.assert_allclose(way.weights[[0, -1, 5]], expected, atol=1e-6)


def test_each_way_is_its_own():
    """A decoder that turns every sign, so that what lies along the embeddings is known."""
    dataset, flats = tiny.dataset(), tiny.networks(2).parameters
    way = interpolate(tiny.unchanged(factor=-1.0), dataset, flats, embedded(flats), 0, steps=5)
    points = line(flats[0], flats[1], 5)
    np.testing.assert_allclose(way.weights, scores_of(dataset, tiny.perceptron(), points), atol=1e-6)
    np.testing.assert_allclose(way.latent, scores_of(dataset, tiny.perceptron(), -points), atol=1e-6)


def reconstructed(count, value):
    nothing = [np.zeros(count)] * 7
    embedding = np.asarray(value + np.arange(count)[:, None] * np.ones((1, 2), np.float32))
    return Reconstruction(embedding, *nothing)


def test_what_lies_between_architectures():
    """Of four: a third and two thirds of the way from the first to the last, the shorter list taken in turn."""
    ends = {0: reconstructed(3, 0.0), 3: reconstructed(2, 100.0)}
    found = list(between_boundaries(tiny.unchanged((3, 4, 5, 6)), ends))
    assert [(b.low, b.high, b.architecture_id) for b in found] == [(0, 3, 1), (0, 3, 2)]
    low, high = np.array([0, 1, 2]), np.array([100, 101, 100])
    for between, share in zip(found, (1 / 3, 2 / 3), strict=True):
        np.testing.assert_allclose(between.embedding[:, 0], (1 - share) * low + share * high, rtol=1e-6)
        np.testing.assert_array_equal(between.embedding[:, 0], between.embedding[:, 1])


def test_two_architectures_have_nothing_between_and_pairs_are_bounded():
    ends = {0: reconstructed(2, 0.0), 1: reconstructed(2, 1.0)}
    assert not list(between_boundaries(tiny.unchanged((3, 4)), ends))
    ends = {0: reconstructed(9, 0.0), 2: reconstructed(9, 1.0)}
    few = list(between_boundaries(tiny.unchanged((3, 4, 5)), ends, most=4))
    assert [len(between.embedding) for between in few] == [4]


def test_all_pairs_are_each_with_each():
    found = {0: reconstructed(2, 0.0), 2: reconstructed(3, 1.0)}
    (between,) = between_boundaries(tiny.unchanged((3, 4, 5)), found, all_pairs)
    wanted = [(a + b) / 2 for a in found[0].embedding for b in found[2].embedding]
    np.testing.assert_allclose(between.embedding, wanted, rtol=1e-6)
