"""Input against generated network: the figures of a NetSpace that gives networks back, or gives back others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.parameters import to_prep
from netspace_jax.metrics.outputs import evaluate
from netspace_jax.metrics.reconstruction import Reconstruction, decode_and_compare, reconstruct, training_gap
from tests import tiny


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def predictions(dataset, flats, split="test"):
    inputs = dataset.examples(split).inputs
    return np.asarray(jax.jit(jax.vmap(tiny.perceptron().apply, (0, None)))(jnp.asarray(flats), inputs)).argmax(-1)


def scores(dataset, flats, split="test"):
    return (predictions(dataset, flats, split) == np.asarray(dataset.examples(split).targets)).mean(1)


def reconstructed(netspace, dataset, networks, architecture_id, split="test"):
    flats = networks.parameters
    original = evaluate(dataset, netspace.architectures[architecture_id], flats, split=split)
    return reconstruct(netspace, dataset, flats, original, architecture_id=architecture_id, split=split)


def test_what_comes_back_unchanged_has_no_gap(dataset):
    networks = tiny.networks(7)
    found = reconstructed(tiny.unchanged(), dataset, networks, 0, "test")
    np.testing.assert_array_equal(found.generated, networks.parameters)
    preps = [to_prep(jnp.asarray(flat), tiny.PREP).reshape(-1) for flat in networks.parameters]
    np.testing.assert_array_equal(found.embedding, preps)
    np.testing.assert_allclose(found.score, scores(dataset, networks.parameters), atol=1e-6)
    assert found.gap == 0 and found.kendall_tau == pytest.approx(1) and (found.agreement == 1).all()
    assert (found.read_as == 0).all()


def test_other_networks_are_compared_with_their_own_input(dataset):
    """A decoder that turns every sign, so that generated networks are known."""
    networks = tiny.networks(7)
    flats = networks.parameters
    found = reconstructed(tiny.unchanged(factor=-1.0), dataset, networks, 0, "validation")
    before, after = scores(dataset, flats, "validation"), scores(dataset, -flats, "validation")
    np.testing.assert_allclose(found.score, before, atol=1e-6)
    np.testing.assert_allclose(found.generated_score, after, atol=1e-6)
    agreement = (predictions(dataset, flats, "validation") == predictions(dataset, -flats, "validation")).mean(1)
    np.testing.assert_allclose(found.agreement, agreement, atol=1e-6)
    assert found.gap == pytest.approx(np.abs(before - after).mean(), abs=1e-6)


def test_embeddings_may_be_given(dataset):
    """Those of other networks than the inputs are."""
    networks, others = tiny.networks(3), tiny.networks(3, seed=1)
    z = reconstructed(tiny.unchanged(), dataset, others, 0).embedding
    original = evaluate(dataset, tiny.perceptron(), networks.parameters)
    found = decode_and_compare(tiny.unchanged(), dataset, original, z, architecture_id=0)
    np.testing.assert_array_equal(found.generated, others.parameters)
    np.testing.assert_allclose(found.score, scores(dataset, networks.parameters), atol=1e-6)
    np.testing.assert_allclose(found.generated_score, scores(dataset, others.parameters), atol=1e-6)


def test_the_architecture_that_is_read_is_the_heads(dataset):
    networks = tiny.networks(9, width=4)
    found = reconstructed(tiny.unchanged((3, 4, 5)), dataset, networks, 1, "test")
    np.testing.assert_array_equal(found.read_as, networks.parameters[:, :3].argmax(1))


def figures(score, generated):
    nothing = np.zeros(len(score))
    return Reconstruction(nothing, nothing, nothing, np.array(score), nothing, np.array(generated), nothing, nothing)


def test_gap_and_tau_by_hand():
    found = figures([0.1, 0.5, 0.9, 0.7], [0.2, 0.5, 0.6, 0.8])  # five of six pairs keep their order
    assert found.gap == pytest.approx((0.1 + 0 + 0.3 + 0.1) / 4)
    assert found.kendall_tau == pytest.approx((5 - 1) / 6)
    assert np.isnan(figures([0.1, 0.5], [0.3, 0.3]).kendall_tau)


def test_the_gap_of_training_networks_is_from_the_embeddings_that_the_space_holds(dataset):
    """Generated networks are minus half of the training networks."""
    run = tiny.trained(factor=-0.5)
    networks = run.networks(0, "train")
    expected = np.abs(scores(dataset, networks.parameters) - scores(dataset, -0.5 * networks.parameters)).mean()
    assert training_gap(run.space, run.dataset, networks, 0) == pytest.approx(expected, abs=1e-6)
    nothing = {"perceptron3": 0 * run.space.embeddings["perceptron3"]}
    constant = np.abs(scores(dataset, networks.parameters) - scores(dataset, 0 * networks.parameters)).mean()
    space = run.space.replace(embeddings=nothing)
    assert training_gap(space, run.dataset, networks, 0) == pytest.approx(constant, abs=1e-6)
