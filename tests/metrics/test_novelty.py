"""How near generated networks are to those that were shown."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.latent import search as latent
from netspace_jax.metrics.novelty import disturbed, memorisation, nearest
from netspace_jax.space.behaviour import outputs_of_each
from tests import tiny


@pytest.fixture(scope="module")
def task():
    return tiny.task()


def nearest_of(flats, training, task, split="test"):
    outputs, known = (outputs_of_each(tiny.perceptron(), rows, task, np.zeros(len(rows), np.int32), split) for rows in (flats, training))
    return nearest(outputs, flats, known, training, task)


def test_a_network_that_was_shown_is_found(task):
    training = tiny.networks(6).flats
    found = nearest_of(training[2:4], training, task)
    np.testing.assert_array_equal(found.distance, 0)
    np.testing.assert_array_equal(found.agreement, 1)


def test_distance_and_agreement_by_hand(task):
    ours, theirs = (np.asarray(networks.flats) for networks in (tiny.networks(3, seed=1), tiny.networks(6)))
    found = nearest_of(ours, theirs, task, "validation")
    distances = np.linalg.norm(ours[:, None] - theirs[None], axis=2) / np.linalg.norm(ours, axis=1, keepdims=True)
    np.testing.assert_allclose(found.distance, distances.min(1), rtol=1e-5)
    inputs = task.examples("validation", jnp.int32(0)).inputs
    said = [np.asarray(jax.vmap(tiny.perceptron().apply, (0, None))(flats, inputs)).argmax(-1) for flats in (ours, theirs)]
    np.testing.assert_allclose(found.agreement, (said[0][:, None] == said[1][None]).mean(2).max(1), atol=1e-6)


def test_a_scaled_copy_is_far_and_behaves_the_same(task):
    """Without biases the outputs are scaled, and the class stays."""
    flats = tiny.networks(4).flats.at[:, 48:51].set(0).at[:, -4:].set(0)
    found = nearest_of(2 * flats, flats, task)
    assert (found.distance > 0.4).all() and (found.distance <= 0.5 + 1e-6).all()
    np.testing.assert_array_equal(found.agreement, 1)


def test_noise_is_a_share_of_each_networks_deviation():
    flats = np.array([[1.0], [10.0]], np.float32) * np.random.default_rng(1).standard_normal((2, 20_000), np.float32)
    noise = np.asarray(disturbed(flats, 0.1) - flats)
    np.testing.assert_allclose(noise.std(1), 0.1 * flats.std(1), rtol=0.03)
    np.testing.assert_array_equal(disturbed(flats, 0.0), flats)
    assert (disturbed(flats, 0.1, seed=1) != disturbed(flats, 0.1)).any()


def test_the_section_by_networks_that_come_back():
    """Generated networks are the test networks, which are none of the training networks."""
    trained = tiny.trained()
    metrics = memorisation(trained).metrics
    for figure in ("accuracy", "distance", "agreement"):
        np.testing.assert_allclose(metrics[f"memorised/generated_{figure}"], metrics[f"memorised/members_{figure}"], rtol=1e-6)
    training, test = (trained.networks(0, split) for split in ("train", "test"))
    np.testing.assert_allclose(metrics["memorised/members_accuracy"], np.mean([m.score_test for m in test.members]), rtol=1e-6)
    away = np.linalg.norm(test.parameters[:, None] - training.parameters[None], axis=2).min(1)
    away /= np.linalg.norm(test.parameters, axis=1)
    np.testing.assert_allclose(metrics["memorised/members_distance"], away.mean(), rtol=1e-5)
    best = max(training.members, key=lambda member: member.score_validation)
    assert (metrics["memorised/best_distance"], metrics["memorised/best_agreement"]) == (0, 1)
    np.testing.assert_allclose(metrics["memorised/best_accuracy"], best.score_test, rtol=1e-6)
    mean = training.parameters.mean(0)
    away = np.linalg.norm(training.parameters - mean, axis=1).min() / np.linalg.norm(mean)
    np.testing.assert_allclose(metrics["memorised/average_distance"], away, rtol=1e-5)


def test_a_generator_that_repeats_is_found_out(monkeypatch):
    """Test networks that are training networks, and draws of which each is one."""
    trained = dataclasses.replace(tiny.trained())  # one of its own, since sections keep what they computed of another
    monkeypatch.setitem(trained.zoo.held, ("perceptron3", "test"), trained.networks(0, "train"))
    monkeypatch.setattr(latent, "sample", lambda density, seed, count: jnp.pad(jnp.asarray(
        trained.networks(0, "train").parameters), ((0, 0), (0, 93))))
    metrics = memorisation(trained).metrics
    for name in ("generated", "members", "mixture", "kernel"):
        found = [metrics[f"memorised/{name}_{figure}"] for figure in ("distance", "agreement")]
        np.testing.assert_allclose(found, (0, 1), atol=1e-6)
    assert 0.05 < metrics["memorised/noise_distance"] < 0.15
