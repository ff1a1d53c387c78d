"""Input against generated network: the figures of a NetSpace that gives networks back, or gives back others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.metrics.reconstruction import Reconstruction, reconstruct
from tests import tiny


@pytest.fixture(scope="module")
def task():
    return tiny.task()


def predictions(task, flats, split="test"):
    inputs = task.examples(split, jnp.int32(0)).inputs
    return np.asarray(jax.jit(jax.vmap(tiny.perceptron().apply, (0, None)))(flats, inputs)).argmax(-1)


def scores(task, flats, split="test"):
    return (predictions(task, flats, split) == np.asarray(task.examples(split, jnp.int32(0)).targets)).mean(1)


def test_what_comes_back_unchanged_has_no_gap(task):
    networks = tiny.networks(7)
    found = reconstruct(tiny.unchanged(), tiny.NO_PARAMS, tiny.constants(), task, networks, 0, "test")
    np.testing.assert_array_equal(found.generated, networks.flats)
    np.testing.assert_array_equal(found.embedding, [to_prep(flat, tiny.PREP).reshape(-1) for flat in networks.flats])
    np.testing.assert_allclose(found.score, scores(task, networks.flats), atol=1e-6)
    assert found.gap == 0 and found.kendall_tau == pytest.approx(1) and (found.agreement == 1).all()
    assert (found.predicted == 0).all()


def test_other_networks_are_compared_with_their_own_input(task):
    """A decoder that turns every sign, so that generated networks are known."""
    networks = tiny.networks(7)
    found = reconstruct(tiny.unchanged(factor=-1.0), tiny.NO_PARAMS, tiny.constants(), task, networks, 0, "validation")
    before, after = scores(task, networks.flats, "validation"), scores(task, -networks.flats, "validation")
    np.testing.assert_allclose(found.score, before, atol=1e-6)
    np.testing.assert_allclose(found.generated_score, after, atol=1e-6)
    agreement = (predictions(task, networks.flats, "validation") == predictions(task, -networks.flats, "validation")).mean(1)
    np.testing.assert_allclose(found.agreement, agreement, atol=1e-6)
    assert found.gap == pytest.approx(np.abs(before - after).mean(), abs=1e-6)


def test_the_predicted_architecture_is_the_heads(task):
    networks = tiny.networks(9, width=4)
    found = reconstruct(tiny.unchanged((3, 4, 5)), tiny.NO_PARAMS, tiny.constants(3), task, networks, 1, "test")
    np.testing.assert_array_equal(found.predicted, np.asarray(networks.flats)[:, :3].argmax(1))


def figures(score, generated):
    nothing = np.zeros(len(score))
    return Reconstruction(nothing, nothing, np.array(score), np.array(generated), nothing, nothing)


def test_gap_and_tau_by_hand():
    found = figures([0.1, 0.5, 0.9, 0.7], [0.2, 0.5, 0.6, 0.8])  # five of six pairs keep their order
    assert found.gap == pytest.approx((0.1 + 0 + 0.3 + 0.1) / 4)
    assert found.kendall_tau == pytest.approx((5 - 1) / 6)
    assert np.isnan(figures([0.1, 0.5], [0.3, 0.3]).kendall_tau)
