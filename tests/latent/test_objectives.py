"""What searches are for, by hand."""

import chex
import jax
import numpy as np
import pytest

from netspace_jax.errors import InputError
from netspace_jax.latent import Fit, Objective, fit_objective
from tests import tiny
from tests.objectives import batch_of, log_probabilities, loss_of, network


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def test_labels_are_cross_entropy_and_accuracy_on_validation_images(dataset):
    batch, held = batch_of(dataset), dataset.examples("validation")
    expected = -log_probabilities(network()(batch.inputs))[np.arange(16), batch.targets].mean()
    np.testing.assert_allclose(loss_of(Fit(dataset, 16), network()), expected, rtol=1e-5)
    accuracy = (np.asarray(network()(held.inputs)).argmax(1) == np.asarray(held.targets)).mean()
    assert 0 < accuracy < 1
    np.testing.assert_allclose(Fit(dataset).score(network()), accuracy, rtol=1e-6)


def test_steps_see_other_images(dataset):
    objective = Fit(dataset, 16)
    assert loss_of(objective, network()) != loss_of(objective, network(), 2)


def pictures(dataset):
    """Pixels and labels as a user has them."""
    return np.asarray(dataset.train.x), np.asarray(dataset.train.y)


def test_arrays_of_ones_own_by_hand(dataset):
    """uint8 images; every fifth chooses, the others are fitted, all in every step."""
    x, y = pictures(dataset)
    objective, own = fit_objective(dataset.behaviour, x, y), dataset.behaviour.prepare(x)
    held = np.arange(50) % 5 == 0
    assert isinstance(objective, Objective) and len(objective.inputs) == 40 and len(objective.held_inputs) == 10
    log_p = log_probabilities(network()(own))
    np.testing.assert_allclose(loss_of(objective, network()), -log_p[np.arange(50), y][~held].mean(), rtol=1e-5)
    assert loss_of(objective, network()) == loss_of(objective, network(), 2)
    np.testing.assert_allclose(objective.score(network()), (log_p.argmax(1) == y)[held].mean(), rtol=1e-6)


def test_arrays_may_be_normalised_already(dataset):
    x, y = pictures(dataset)
    raw, normalised = (
        fit_objective(dataset.behaviour, images, y) for images in (x, np.asarray(dataset.behaviour.prepare(x)))
    )
    chex.assert_trees_all_equal(raw, normalised)


@pytest.mark.parametrize(("inputs", "targets"), [(50, 49), (4, 4), (0, 0)])
def test_arrays_that_do_not_go_together(dataset, inputs, targets):
    x, y = pictures(dataset)
    with pytest.raises(InputError, match=f"{inputs} inputs and {targets} targets"):
        fit_objective(dataset.behaviour, x[:inputs], y[:targets])


def test_arrays_of_another_shape(dataset):
    x, y = pictures(dataset)
    with pytest.raises(InputError, match=r"images have shape \(50, 4, 3, 1\)"):
        fit_objective(dataset.behaviour, x[:, :, :3], y)


def test_the_validation_score_is_the_tasks(dataset):
    held = dataset.examples("validation")
    expected = dataset.behaviour.score(network()(held.inputs), held.targets)
    np.testing.assert_allclose(dataset.score(network(), jax.random.key(0), "validation"), expected)
