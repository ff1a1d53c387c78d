"""What searches among classifiers of images are for, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.domains.images.objectives import Distil, SomeClasses
from netspace_jax.latent import Fit
from tests import tiny
from tests.objectives import batch_of, log_probabilities, loss_of, network


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


@pytest.mark.parametrize("weight", [0.0, 0.25])
def test_distillation_is_the_references(dataset, weight):
    """Without the factor T² that NetSpace's own has."""
    batch = batch_of(dataset)
    teacher, student = network(5)(batch.inputs), network()(batch.inputs)
    log_t, log_s = log_probabilities(teacher / 2.0), log_probabilities(student / 2.0)
    divergence = (np.exp(log_t) * (log_t - log_s)).sum(1).mean()
    labels = -log_probabilities(student)[np.arange(16), batch.targets].mean()
    objective = Distil(dataset, tiny.flats(1, 5)[0], tiny.perceptron(5), 2.0, weight, 16)
    np.testing.assert_allclose(loss_of(objective, network()), (1 - weight) * divergence + weight * labels, rtol=1e-4)


def test_a_teacher_has_nothing_to_learn_from_itself(dataset):
    objective = Distil(dataset, tiny.flats(1, 5)[0], tiny.perceptron(5), label_weight=0.0, batch=16)
    np.testing.assert_allclose(loss_of(objective, network(5)), 0, atol=1e-6)


def test_some_classes_by_hand(dataset):
    """Two classes, as if there were no others."""
    objective, batch, held = SomeClasses(dataset, (0, 2), 16), batch_of(dataset), dataset.examples("validation")

    def own(images):
        kept = np.isin(images.targets, (0, 2))
        return np.asarray(network()(images.inputs))[kept][:, [0, 2]], np.asarray(images.targets)[kept] // 2

    logits, labels = own(batch)
    assert 0 < len(labels) < 16
    expected = -log_probabilities(logits)[np.arange(len(labels)), labels].mean()
    np.testing.assert_allclose(loss_of(objective, network()), expected, rtol=1e-5)
    logits, labels = own(held)
    np.testing.assert_allclose(objective.score(network()), (logits.argmax(1) == labels).mean(), rtol=1e-6)


def test_what_becomes_of_other_classes_does_not_matter(dataset):
    """Neither their images nor their logits, and what is learned from them is nothing."""
    others = np.isin(dataset.train.y, (1, 3)), np.isin(dataset.validation.y, (1, 3))
    dark = dataset.replace(
        train=dataset.train.replace(x=jnp.where(others[0][:, None, None, None], 0, dataset.train.x)),
        validation=dataset.validation.replace(x=jnp.where(others[1][:, None, None, None], 0, dataset.validation.x)),
    )
    objective, other = (SomeClasses(images, (0, 2), 16) for images in (dataset, dark))

    def raised(x):
        return network()(x) + jnp.array([[0.0, 50.0, 0.0, 50.0]])

    assert loss_of(objective, network()) == loss_of(other, network()) == loss_of(objective, raised)
    assert objective.score(network()) == other.score(network()) == objective.score(raised)
    assert loss_of(Fit(dataset, 16), network()) != loss_of(Fit(dark, 16), network())
    gradient = jax.grad(lambda bias: loss_of(objective, lambda x: network()(x) + bias[None]))(jnp.zeros(4))
    np.testing.assert_array_equal(gradient[jnp.array([1, 3])], 0)
    assert np.isfinite(gradient).all() and np.abs(gradient[jnp.array([0, 2])]).min() > 0


def test_a_batch_without_the_classes_costs_nothing(dataset):
    objective = SomeClasses(dataset.replace(train=dataset.train.replace(y=jnp.ones_like(dataset.train.y))), (0, 2), 16)
    assert loss_of(objective, network()) == 0


def test_what_a_teacher_taught_is_chosen_by_the_labels(dataset):
    held = dataset.examples("validation")
    accuracy = (np.asarray(network()(held.inputs)).argmax(1) == np.asarray(held.targets)).mean()
    assert 0 < accuracy < 1
    objective = Distil(dataset, tiny.flats(1, 5)[0], tiny.perceptron(5))
    np.testing.assert_allclose(objective.score(network()), accuracy, rtol=1e-6)
