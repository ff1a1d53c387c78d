"""How near generated networks are to those that trained the space."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.metrics.novelty import add_noise, error_iou, gaussian, nearest
from netspace_jax.metrics.outputs import outputs_of
from tests import tiny


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def nearest_of(dataset, flats, training, split="test"):
    outputs, others = (outputs_of(dataset, tiny.perceptron(), rows, split=split) for rows in (flats, training))
    return nearest(dataset.behaviour, flats, training, outputs=outputs, training_outputs=others)


def test_a_network_of_the_training_set_is_found(dataset):
    training = tiny.flats(6)
    found = nearest_of(dataset, training[2:4], training)
    np.testing.assert_array_equal(found.distance, 0)
    np.testing.assert_array_equal(found.agreement, 1)


def test_distance_and_agreement_by_hand(dataset):
    ours, theirs = np.asarray(tiny.flats(3, seed=1)), np.asarray(tiny.flats(6))
    found = nearest_of(dataset, ours, theirs, "validation")
    distances = np.linalg.norm(ours[:, None] - theirs[None], axis=2) / np.linalg.norm(ours, axis=1, keepdims=True)
    np.testing.assert_allclose(found.distance, distances.min(1), rtol=1e-5)
    apply, inputs = jax.vmap(tiny.perceptron().apply, (0, None)), dataset.examples("validation").inputs
    said = [np.asarray(apply(jnp.asarray(flats), inputs)).argmax(-1) for flats in (ours, theirs)]
    np.testing.assert_allclose(found.agreement, (said[0][:, None] == said[1][None]).mean(2).max(1), atol=1e-6)


def test_a_scaled_copy_is_far_and_behaves_the_same(dataset):
    """Without biases the outputs are scaled, and the class stays."""
    flats = tiny.flats(4).at[:, 48:51].set(0).at[:, -4:].set(0)
    found = nearest_of(dataset, 2 * flats, flats)
    assert (found.distance > 0.4).all() and (found.distance <= 0.5 + 1e-6).all()
    np.testing.assert_array_equal(found.agreement, 1)


def test_noise_is_a_share_of_each_networks_deviation():
    flats = np.array([[1.0], [10.0]], np.float32) * np.random.default_rng(1).standard_normal((2, 20_000), np.float32)
    noise = np.asarray(add_noise(flats, 0.1) - flats)
    np.testing.assert_allclose(noise.std(1), 0.1 * flats.std(1), rtol=0.03)
    np.testing.assert_array_equal(add_noise(flats, 0.0), flats)
    assert (add_noise(flats, 0.1, seed=1) != add_noise(flats, 0.1)).any()


def test_error_iou_is_the_largest_overlap_of_errors():
    wrong = np.array([[1, 1, 0, 0], [0, 0, 0, 0]], bool)
    known = np.array([[1, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1]], bool)
    np.testing.assert_allclose(error_iou(wrong, known), [2 / 3, 0])


def test_the_gaussian_has_the_training_networks_moments():
    flats = np.random.default_rng(0).normal([1.0, -2.0], [0.5, 3.0], (4000, 2)).astype(np.float32)
    drawn = gaussian(flats, 4000)
    np.testing.assert_allclose(drawn.mean(0), [1.0, -2.0], atol=0.2)
    np.testing.assert_allclose(drawn.std(0), [0.5, 3.0], rtol=0.1)
