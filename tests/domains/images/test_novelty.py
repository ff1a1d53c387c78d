"""Whether generated networks are new, as a report says it."""

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import latent
from netspace_jax.domains.images.novelty import novelty
from tests import tiny

NAMES = ("generated", "refined", "mixture", "kernel", "members", "noise", "average", "gaussian", "best")


@pytest.mark.long
def test_the_section_by_networks_that_come_back():
    """Generated networks are the test networks, which are none of the training networks."""
    run = tiny.trained()
    section = novelty(run)
    metrics = section.metrics
    figures = ("accuracy", "distance", "agreement", "error_iou")
    assert metrics.keys() == {f"novelty/{name}_{figure}" for name in NAMES for figure in figures}
    for figure in figures:
        np.testing.assert_allclose(
            metrics[f"novelty/generated_{figure}"], metrics[f"novelty/members_{figure}"], rtol=1e-6
        )
    training, test = (run.networks(0, split) for split in ("train", "test"))
    np.testing.assert_allclose(
        metrics["novelty/members_accuracy"], np.mean([m.score_test for m in test.members]), rtol=1e-6
    )
    away = np.linalg.norm(test.parameters[:, None] - training.parameters[None], axis=2).min(1)
    away /= np.linalg.norm(test.parameters, axis=1)
    np.testing.assert_allclose(metrics["novelty/members_distance"], away.mean(), rtol=1e-5)
    best = max(training.members, key=lambda member: member.score_validation)
    assert (metrics["novelty/best_distance"], metrics["novelty/best_agreement"]) == (0, 1)
    np.testing.assert_allclose(metrics["novelty/best_accuracy"], best.score_test, rtol=1e-6)
    mean = training.parameters.mean(0)
    away = np.linalg.norm(training.parameters - mean, axis=1).min() / np.linalg.norm(mean)
    np.testing.assert_allclose(metrics["novelty/average_distance"], away, rtol=1e-5)
    for name, row in zip(NAMES, section.table[1:], strict=True):
        shown = [f"{metrics[f'novelty/{name}_{figure}']:.3f}" for figure in figures]
        assert [row[1], *row[3:]] == shown


def test_the_best_is_chosen_by_validation():
    run = tiny.contrary(tiny.trained())
    worst = min(member.score_test for member in run.networks(0, "train").members)
    np.testing.assert_allclose(novelty(run).metrics["novelty/best_accuracy"], worst, rtol=1e-6)


def test_a_generator_that_repeats_is_found_out(monkeypatch):
    """Test networks that are training networks, and draws of which each is one."""
    run = tiny.again(tiny.trained())  # one of its own, since a run keeps what was computed of it
    monkeypatch.setitem(run.zoo.held, ("perceptron3", "test"), run.networks(0, "train"))
    rows = jnp.pad(jnp.asarray(run.networks(0, "train").parameters), ((0, 0), (0, 93)))
    asked = []

    def sample(density, key, count):
        asked.append(count)
        return rows

    monkeypatch.setattr(latent.Density, "sample", sample)
    metrics = novelty(run).metrics
    assert asked == [len(run.networks(0, "test").parameters)] * 2
    for name in ("generated", "members", "mixture", "kernel"):
        found = [metrics[f"novelty/{name}_{figure}"] for figure in ("distance", "agreement")]
        np.testing.assert_allclose(found, (0, 1), atol=1e-6)
    assert 0.05 < metrics["novelty/noise_distance"] < 0.15
