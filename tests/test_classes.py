"""What is the same whatever is classified."""

import jax.numpy as jnp
import numpy as np

from tests import tiny


def test_information_is_of_networks_that_are_sure_and_of_several_classes():
    """A network that says nothing, or one class for all, tells nothing; one sure of a class each tells log C."""
    sure = 50 * jnp.eye(tiny.CLASSES)
    for outputs, expected in (
        (jnp.zeros((4, tiny.CLASSES)), 0.0),
        (jnp.tile(sure[:1], (4, 1)), 0.0),
        (sure, np.log(tiny.CLASSES)),
    ):
        np.testing.assert_allclose(tiny.TASK.information(outputs), expected, atol=1e-5)


def test_answers_and_true_targets_have_one_form():
    outputs = jnp.array([[0.0, 2.0, 1.0, 0.0], [3.0, 0.0, 0.0, 1.0]])
    answers = tiny.TASK.answers(outputs)
    np.testing.assert_allclose(answers.sum(-1), 1, rtol=1e-6)
    np.testing.assert_array_equal(tiny.TASK.decided(answers), tiny.TASK.target_answers(jnp.array([1, 0])))
    losses = tiny.TASK.answer_losses(outputs, tiny.TASK.target_answers(jnp.array([1, 3])))
    np.testing.assert_allclose(losses, tiny.TASK.example_losses(outputs, jnp.array([1, 3])), rtol=1e-5)
