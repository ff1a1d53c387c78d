"""What searches among classifiers of images are for, by hand."""

import numpy as np
import pytest

from netspace_jax.domains.images.objectives import Distil
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


def test_what_a_teacher_taught_is_chosen_by_the_labels(dataset):
    held = dataset.examples("validation")
    accuracy = (np.asarray(network()(held.inputs)).argmax(1) == np.asarray(held.targets)).mean()
    assert 0 < accuracy < 1
    objective = Distil(dataset, tiny.flats(1, 5)[0], tiny.perceptron(5))
    np.testing.assert_allclose(objective.score(network()), accuracy, rtol=1e-6)
