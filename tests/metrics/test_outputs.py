"""What many networks say, whatever their number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.metrics.outputs import agreements, evaluate, outputs_of, outputs_on, scores_of, scores_on
from netspace_jax.ops.mapping import BLOCK
from tests import tiny
from tests.compiles import nothing_compiles

COUNTS = [1, BLOCK, BLOCK + 5]  # fewer than are run at once, as many, and more


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def logits(dataset, flats, split="test"):
    inputs = dataset.examples(split).inputs
    return np.asarray(jax.jit(jax.vmap(tiny.perceptron().apply, (0, None)))(jnp.asarray(flats), inputs))


def scores(dataset, flats, split="test"):
    return (logits(dataset, flats, split).argmax(-1) == np.asarray(dataset.examples(split).targets)).mean(1)


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_networks(dataset, count, numbered):
    networks, architecture = tiny.networks(count), tiny.perceptron()
    flats, members = networks.parameters, networks.indices if numbered else None
    said = outputs_of(dataset, architecture, flats, members)
    np.testing.assert_allclose(said, logits(dataset, flats), atol=1e-5)
    probes = dataset.probes(5)
    expected = jax.vmap(architecture.apply, (0, None))(jnp.asarray(flats), probes)
    np.testing.assert_allclose(outputs_on(architecture, flats, probes), expected, atol=1e-5)
    np.testing.assert_allclose(scores_of(dataset, architecture, flats, members), scores(dataset, flats), atol=1e-6)
    targets = dataset.examples("test").targets
    np.testing.assert_allclose(scores_on(dataset.behaviour, said, targets), scores(dataset, flats), atol=1e-6)


@pytest.mark.parametrize("count", COUNTS)
def test_networks_are_run_once_and_compared_with_others(dataset, count):
    """With those that have every sign turned."""
    flats, members = tiny.networks(count).parameters, tiny.networks(count).indices
    own, other = (evaluate(dataset, tiny.perceptron(), sign * flats, members, split="validation") for sign in (1, -1))
    for sign, found in ((1, own), (-1, other)):
        np.testing.assert_allclose(found.outputs, logits(dataset, sign * flats, "validation"), atol=1e-5)
        np.testing.assert_allclose(found.score, scores(dataset, sign * flats, "validation"), atol=1e-6)
    said = [logits(dataset, sign * flats, "validation").argmax(-1) for sign in (1, -1)]
    agreement = agreements(dataset.behaviour, own.outputs, other.outputs)
    np.testing.assert_allclose(agreement, (said[0] == said[1]).mean(1), atol=1e-6)


def test_a_function_is_compiled_once_for_any_number(dataset):
    scores_of(dataset, tiny.perceptron(), tiny.networks(2).parameters, tiny.networks(2).indices, "test")
    with nothing_compiles("_evaluate"):
        for count in (3, 7, BLOCK + 2):
            networks = tiny.networks(count)
            scores_of(dataset, tiny.perceptron(), networks.parameters, networks.indices, "test")
