"""Accuracy predicted from embeddings, from weights and from probe images."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy.stats import kendalltau

from netspace_jax.domains.images.prediction import prediction, ridge
from netspace_jax.metrics.statistics import weight_statistics
from tests import tiny


def test_statistics_of_each_leaf_by_hand():
    """Of a network whose parameters are 0 to 66, and of one that is ten times as large."""
    flats = np.arange(67, dtype=np.float32)[None] * np.array([[1], [10]], np.float32)
    found = weight_statistics(tiny.perceptron().spec, flats)
    assert found.shape == (2, 4 * 7)
    np.testing.assert_allclose(
        found[0, 7:14], [49, 2 / 3, 48, 48.5, 49, 49.5, 50], rtol=1e-5
    )  # the first layer's biases
    np.testing.assert_allclose(found[0, 21:], [64.5, 1.25, 63, 63.75, 64.5, 65.25, 66], rtol=1e-5)  # the second's
    np.testing.assert_allclose(
        found[1] / found[0].clip(1e-9), np.tile([10, 100, 10, 10, 10, 10, 10], 4) * (found[0] != 0), rtol=1e-5
    )


def test_ridge_recovers_a_linear_relation_whatever_the_units():
    rng = np.random.default_rng(0)
    train, test = rng.standard_normal((100, 4)), rng.standard_normal((20, 4))

    def wanted(x):
        return x @ np.array([1.0, -2, 0.5, 0]) + 3

    found = ridge(train, wanted(train), test)
    np.testing.assert_allclose(found, wanted(test), atol=1e-3)
    units = np.array([1e-3, 1, 1e3, 1])
    np.testing.assert_allclose(ridge(train * units + 7, wanted(train), test * units + 7), found, atol=1e-5)


def test_ridge_of_what_says_nothing_is_the_mean():
    rng = np.random.default_rng(1)
    wanted = rng.standard_normal(200) + 5
    found = ridge(rng.standard_normal((200, 30)), wanted, rng.standard_normal((20, 30)))
    np.testing.assert_allclose(found, wanted.mean(), atol=0.5)
    assert found.std() < 0.5 * wanted.std()


@pytest.fixture(scope="module")
def trained():
    return tiny.trained()


def test_figures_are_those_of_test_members(trained):
    """From accuracy on probe images, which are the first training images, by hand; embeddings are weights."""
    section = prediction(trained)
    assert section.name == "prediction"
    names = ("embedding", "statistics", "probes")
    assert section.metrics.keys() == {f"probe/{figure}_{name}" for figure in ("r2", "kendall_tau") for name in names}
    probes, labels = trained.dataset.probes(16), np.asarray(trained.dataset.train.y[:16])
    features, wanted = {}, {}
    for split in ("train", "test"):
        networks = trained.networks(0, split)
        logits = np.asarray(jax.vmap(tiny.perceptron().apply, (0, None))(networks.parameters, probes))
        features[split] = {
            "probes": (logits.argmax(-1) == labels).mean(1)[:, None],
            "embedding": networks.parameters,
            "statistics": weight_statistics(tiny.perceptron().spec, networks.parameters),
        }
        wanted[split] = np.array([member.score_test for member in networks.members])
    for name in names:
        predicted = ridge(features["train"][name], wanted["train"], features["test"][name])
        missed = np.square(predicted - wanted["test"]).sum() / np.square(wanted["test"] - wanted["test"].mean()).sum()
        np.testing.assert_allclose(section.metrics[f"probe/r2_{name}"], 1 - missed, rtol=1e-3, atol=1e-4)
    tau = kendalltau(
        ridge(features["train"]["probes"], wanted["train"], features["test"]["probes"]), wanted["test"]
    ).statistic
    np.testing.assert_allclose(section.metrics["probe/kendall_tau_probes"], tau, atol=1e-6)


def test_of_several_architectures_there_are_no_common_statistics():
    section = prediction(tiny.trained((3, 4), teacher="perceptron5"))
    assert {name.split("_")[-1] for name in section.metrics} == {"embedding", "probes"}
    assert "12 test members" in section.text


def test_an_encoder_without_probes_has_no_figure_to_beat():
    run = tiny.trained()
    netspace = dataclasses.replace(run.config.netspace, encoder="conv")
    section = prediction(tiny.again(run, config=dataclasses.replace(run.config, netspace=netspace)))
    assert {name.split("_")[-1] for name in section.metrics} == {"embedding", "statistics"}
    assert "probe images" not in section.text
