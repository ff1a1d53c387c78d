"""Networks that adapt to the inputs that they are asked about."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.errors import InputError
from netspace_jax.metrics.adaptation.descent import Steps
from netspace_jax.metrics.adaptation.test_time import EntropyTuned, aligned, check_classes, moments
from tests import tiny
from tests.metrics.adaptation import tasks

KEY, ARCHITECTURE = jax.random.key(0), tiny.perceptron(6)


@pytest.fixture(scope="module")
def flat():
    return np.asarray(tasks.members("train").parameters[0])


def test_aligned_inputs_have_one_mean_and_deviation_whatever_was_added_to_them(flat):
    members, given = tasks.members("train").indices, tasks.examples()
    adapter = aligned(KEY, ARCHITECTURE, flat, tasks.data(), members)
    run = adapter.adapt(KEY, given)
    np.testing.assert_allclose(run(given.inputs), run(3 * given.inputs - 2), rtol=0.02, atol=0.02)
    mean, deviation = moments(given.inputs)
    there = (given.inputs - mean) / deviation * adapter.deviation + adapter.mean
    np.testing.assert_allclose(run(given.inputs), ARCHITECTURE.apply(jnp.asarray(flat), there), rtol=1e-5, atol=1e-5)


def test_entropy_falls_by_steps_and_stays_without(flat):
    given = tasks.examples(member=3)

    def outputs(steps):
        settings = Steps(jnp.float32(0.01), jnp.int32(steps))
        return EntropyTuned(ARCHITECTURE, jnp.asarray(flat), settings, tiny.TASK).adapt(KEY, given)(given.inputs)

    def entropy(outputs):
        return float(tiny.TASK.answer_losses(outputs, jax.nn.softmax(outputs)).mean())

    np.testing.assert_allclose(outputs(0), ARCHITECTURE.apply(jnp.asarray(flat), given.inputs), rtol=1e-5, atol=1e-6)
    assert entropy(outputs(20)) < 0.9 * entropy(outputs(0))


def test_numbers_have_no_entropy():
    with pytest.raises(InputError, match="only answers that are classes"):
        check_classes(None)
