"""What the best checkpoint is chosen by."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.metrics.outputs import evaluate
from netspace_jax.metrics.selection import selection_metric
from tests import tiny


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset()


def predictions(dataset, flats, width=3):
    """On validation images."""
    inputs = dataset.examples("validation").inputs
    return np.asarray(jax.jit(jax.vmap(tiny.perceptron(width).apply, (0, None)))(jnp.asarray(flats), inputs)).argmax(-1)


def accuracies(dataset, flats, width=3):
    return (predictions(dataset, flats, width) == np.asarray(dataset.examples("validation").targets)).mean(1)


@pytest.mark.parametrize("select", ["gap", "agreement", "score"])
def test_it_is_what_the_configuration_says(dataset, select):
    """A decoder that turns every sign, so that generated networks are known."""
    networks = tiny.networks(7, split="validation")
    flats, config = networks.parameters, tiny.netspace_config(select=select)
    found = selection_metric(dataset, {0: networks}, config)(tiny.unchanged(factor=-1.0))
    right, generated = accuracies(dataset, flats), accuracies(dataset, -flats)
    agreement = (predictions(dataset, flats) == predictions(dataset, -flats)).mean()
    expected = {"gap": -np.abs(right - generated).mean(), "agreement": agreement, "score": generated.mean()}
    np.testing.assert_allclose(found, expected[select], atol=1e-6)


def read_as(ids, width=4, count=8):
    """Networks of the second of two architectures, whose heads read those of `ids` in the first ones."""
    flats = np.array(tiny.flats(count, width))
    flats[:, :2] = [[0.0, 1.0]]
    flats[: len(ids), :2] = [[1.0, 0.0] if which == 0 else [0.0, 1.0] for which in ids]
    return tiny.members_of(flats, f"perceptron{width}", "validation")


@pytest.mark.parametrize("select", ["gap", "agreement", "score"])
def test_members_that_are_read_as_another_architecture_cost_their_share(dataset, select):
    netspace, config = tiny.unchanged((3, 4)), tiny.netspace_config(select=select)
    wrong = read_as([0, 1, 0, 0])
    found = selection_metric(dataset, {1: wrong}, config)(netspace)
    scores = accuracies(dataset, wrong.parameters, 4).mean()
    expected = {"gap": 0.0, "agreement": 1.0, "score": scores}[select] - 3 / 8
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_architectures_count_alike_however_many_members_they_have(dataset):
    networks = {0: tiny.networks(3, 3), 1: tiny.networks(9, 4)}
    found = selection_metric(dataset, networks, tiny.netspace_config(select="score"))(tiny.unchanged((3, 4)))
    scores = [accuracies(dataset, networks[which].parameters, 3 + which).mean() for which in (0, 1)]
    misread = [(networks[which].parameters[:, :2].argmax(1) != which).mean() for which in (0, 1)]
    np.testing.assert_allclose(found, np.mean(scores) - np.mean(misread), atol=1e-6)


def test_where_interpolation_is_taught_what_is_interpolated_counts_too(dataset):
    """Of three architectures: half way from the first to the last, read as the second."""
    networks = {0: tiny.networks(4, 3), 2: tiny.networks(4, 5)}
    config = tiny.netspace_config(select="score", interpolation=True)
    found = selection_metric(dataset, networks, config)(tiny.unchanged((3, 4, 5)))
    padded = [np.pad(n.parameters, ((0, 0), (0, 160 - n.parameters.shape[1]))) for n in networks.values()]
    between = (padded[0] + padded[1])[:, :88] / 2
    scores = [
        accuracies(dataset, networks[0].parameters, 3).mean(),
        accuracies(dataset, networks[2].parameters, 5).mean(),
        accuracies(dataset, between, 4).mean(),
    ]
    misread = [(networks[which].parameters[:, :3].argmax(1) != which).mean() for which in (0, 2)]
    np.testing.assert_allclose(found, np.mean(scores) - np.mean(misread), atol=1e-6)


def test_members_run_once_however_often_a_checkpoint_is_judged(dataset, monkeypatch):
    networks, runs = tiny.networks(7, split="validation"), []

    def noted(*arguments):
        runs.append(arguments)
        return evaluate(*arguments)

    monkeypatch.setattr("netspace_jax.metrics.selection.evaluate", noted)
    select = selection_metric(dataset, {0: networks}, tiny.netspace_config(select="agreement"))
    assert select(tiny.unchanged()) == 1 > select(tiny.unchanged(factor=-1.0)) and len(runs) == 1
