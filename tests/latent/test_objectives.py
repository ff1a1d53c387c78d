"""What searches are for, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from netspace_jax.latent.objectives import Distil, Labels, Points, SomeClasses, points_from_surface, within_budget
from netspace_jax.task import Batch
from tests import tiny


@pytest.fixture(scope="module")
def task():
    return tiny.task()


def network(width=3):
    """A perceptron, as goals take it."""
    flat = tiny.networks(1, width).flats[0]
    return lambda x: tiny.perceptron(width).apply(flat, x)


def batch_of(task) -> Batch:
    return task.sample(jax.random.key(3), jnp.int32(0), jnp.int32(1), 16)


def loss_of(goal, network, step=1):
    """The loss on the images of `batch_of`, or of another step."""
    return goal.loss(network, jax.random.key(3), jnp.int32(step))


def log_probabilities(logits):
    return scipy.special.log_softmax(np.asarray(logits, np.float64), -1)


def test_labels_are_cross_entropy_and_accuracy_on_validation_images(task):
    batch, held = batch_of(task), task.examples("validation", jnp.int32(0))
    expected = -log_probabilities(network()(batch.inputs))[np.arange(16), batch.targets].mean()
    np.testing.assert_allclose(loss_of(Labels(task, 16), network()), expected, rtol=1e-5)
    accuracy = (np.asarray(network()(held.inputs)).argmax(1) == np.asarray(held.targets)).mean()
    assert 0 < accuracy < 1
    for goal in (Labels(task), Distil(task, tiny.networks(1, 5).flats[0], tiny.perceptron(5))):
        np.testing.assert_allclose(goal.merit(network()), accuracy, rtol=1e-6)


def test_steps_see_other_images(task):
    goal = Labels(task, 16)
    assert loss_of(goal, network()) != loss_of(goal, network(), 2)


@pytest.mark.parametrize("weight", [0.0, 0.25])
def test_distillation_is_the_references(task, weight):
    """Without the factor T² that NetSpace's own has."""
    batch = batch_of(task)
    teacher, student = network(5)(batch.inputs), network()(batch.inputs)
    log_t, log_s = log_probabilities(teacher / 2.0), log_probabilities(student / 2.0)
    divergence = (np.exp(log_t) * (log_t - log_s)).sum(1).mean()
    labels = -log_probabilities(student)[np.arange(16), batch.targets].mean()
    goal = Distil(task, tiny.networks(1, 5).flats[0], tiny.perceptron(5), 2.0, weight, 16)
    np.testing.assert_allclose(loss_of(goal, network()), (1 - weight) * divergence + weight * labels, rtol=1e-4)


def test_a_teacher_has_nothing_to_learn_from_itself(task):
    goal = Distil(task, tiny.networks(1, 5).flats[0], tiny.perceptron(5), label_weight=0.0, batch=16)
    np.testing.assert_allclose(loss_of(goal, network(5)), 0, atol=1e-6)


def test_some_classes_by_hand(task):
    """Two classes, as if there were no others."""
    goal, batch, held = SomeClasses(task, (0, 2), 16), batch_of(task), task.examples("validation", jnp.int32(0))

    def own(images):
        kept = np.isin(images.targets, (0, 2))
        return np.asarray(network()(images.inputs))[kept][:, [0, 2]], np.asarray(images.targets)[kept] // 2

    logits, labels = own(batch)
    assert 0 < len(labels) < 16
    expected = -log_probabilities(logits)[np.arange(len(labels)), labels].mean()
    np.testing.assert_allclose(loss_of(goal, network()), expected, rtol=1e-5)
    logits, labels = own(held)
    np.testing.assert_allclose(goal.merit(network()), (logits.argmax(1) == labels).mean(), rtol=1e-6)


def test_what_becomes_of_other_classes_does_not_matter(task):
    """Neither their images nor their logits, and what is learned from them is nothing."""
    others = np.isin(task.train.y, (1, 3)), np.isin(task.validation.y, (1, 3))
    dark = task.replace(train=task.train.replace(x=jnp.where(others[0][:, None, None, None], 0, task.train.x)),
                        validation=task.validation.replace(x=jnp.where(others[1][:, None, None, None], 0, task.validation.x)))
    goal, other = (SomeClasses(images, (0, 2), 16) for images in (task, dark))

    def raised(x):
        return network()(x) + jnp.array([[0.0, 50.0, 0.0, 50.0]])

    assert loss_of(goal, network()) == loss_of(other, network()) == loss_of(goal, raised)
    assert goal.merit(network()) == other.merit(network()) == goal.merit(raised)
    assert loss_of(Labels(task, 16), network()) != loss_of(Labels(dark, 16), network())
    gradient = jax.grad(lambda bias: loss_of(goal, lambda x: network()(x) + bias[None]))(jnp.zeros(4))
    np.testing.assert_array_equal(gradient[jnp.array([1, 3])], 0)
    assert np.isfinite(gradient).all() and np.abs(gradient[jnp.array([0, 2])]).min() > 0


def test_a_batch_without_the_classes_costs_nothing(task):
    goal = SomeClasses(task.replace(train=task.train.replace(y=jnp.ones_like(task.train.y))), (0, 2), 16)
    assert loss_of(goal, network()) == 0


# shapes


def test_points_by_hand():
    goal = Points(jnp.array([[1.0, 0, 0, 0.5], [0, 2, 0, 1]]), jnp.array([[0, 0, 3.0, 1], [4, 0, 0, 4]]))
    loss, merit = loss_of(goal, lambda x: x.sum(1, keepdims=True)), goal.merit(lambda x: x.sum(1, keepdims=True))
    np.testing.assert_allclose(loss, (0.5 ** 2 + 1) / 2)
    np.testing.assert_allclose(merit, -(2 + 0) / 2)


def ball(radius):
    return lambda x: jnp.linalg.norm(x, axis=1, keepdims=True) - radius


def test_points_from_the_surface_of_a_ball():
    """Its own field passes through them; one of another radius is off by the difference at each."""
    normals = jax.random.normal(jax.random.key(0), (20, 3))
    normals /= jnp.linalg.norm(normals, axis=1, keepdims=True)
    goal = points_from_surface(0.6 * normals, normals, 0.1)
    assert goal.points.shape == (3 * 16, 4) and goal.held_out.shape == (3 * 4, 4)
    np.testing.assert_allclose(goal.held_out.reshape(4, 3, 4)[..., 3], [[0, 0.1, -0.1]] * 4, atol=1e-7)
    np.testing.assert_allclose(goal.held_out.reshape(4, 3, 4)[:, 1, :3], 0.7 * normals[::5], rtol=1e-5)
    np.testing.assert_allclose((loss_of(goal, ball(0.6)), goal.merit(ball(0.6))), 0, atol=1e-6)
    np.testing.assert_allclose(loss_of(goal, ball(0.4)), 0.04, rtol=1e-5)
    np.testing.assert_allclose(goal.merit(ball(0.4)), -0.2, rtol=1e-5)


@pytest.mark.parametrize(("parameters", "kinds"), [(66, ()), (67, (2,)), (108, (0, 2)), (109, (0, 1, 2))])
def test_what_is_within_a_budget(parameters, kinds):
    assert within_budget(tuple(tiny.perceptron(width) for width in (4, 5, 3)), parameters) == kinds
