"""What an encoder may look at of a network."""

import jax.numpy as jnp
import numpy as np

from netspace_jax.space.observation import Reading, observe, reading_of, tensor_statistics
from tests import tiny


def test_statistics_are_log_sizes_of_parameter_tensors():
    """In forward order; where an architecture has fewer than another, zeros count."""
    flat = jnp.concatenate([jnp.full(48, 3.0), -jnp.full(3, 0.5), jnp.full(12, 2.0), jnp.zeros(4)])
    expected = np.log([3.0, 0.5, 2.0, 1e-3, 1e-3, 1e-3])
    np.testing.assert_allclose(tensor_statistics(tiny.perceptron(), flat, 6), expected, rtol=1e-4)


def test_statistics_do_not_change_with_the_order_of_neurons():
    flat, order = np.asarray(tiny.flats(1)[0]), np.array([2, 0, 1])
    first, second = flat[:48].reshape(3, 16)[order], flat[51:63].reshape(4, 3)[:, order]
    permuted = np.concatenate([first.reshape(-1), flat[48:51][order], second.reshape(-1), flat[63:]])
    ours, theirs = (tensor_statistics(tiny.perceptron(), jnp.asarray(one), 4) for one in (flat, permuted))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_all_there_is_to_see():
    flat, probes, architecture = tiny.flats(1)[0], tiny.dataset().probes(5), tiny.perceptron()
    reading, outputs = Reading(probes, jnp.ones(5), decided=True), architecture.apply(flat, probes)
    seen = observe(architecture, flat, outputs, reading, behaviour=tiny.TASK, prep=(8, 20), tensors=4)
    np.testing.assert_allclose(seen.description, tiny.TASK.describe(architecture.apply(flat, probes)), rtol=1e-5)
    np.testing.assert_array_equal(seen.prep.reshape(-1)[:67], flat)
    np.testing.assert_array_equal(seen.prep.reshape(-1)[67:], 0)
    assert seen.statistics.shape == (4,)
    np.testing.assert_array_equal(seen.pairs.answers, np.eye(tiny.CLASSES)[np.argmax(outputs, -1)])
    soft = observe(architecture, flat, outputs, reading_of(probes), behaviour=tiny.TASK, prep=(8, 20), tensors=4)
    np.testing.assert_allclose(soft.pairs.answers.sum(-1), 1, rtol=1e-5)
