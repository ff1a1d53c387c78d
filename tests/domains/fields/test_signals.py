"""Sections about signals: what is read from them, and what is found of those of which little was seen."""

import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.domains.fields import fit_samples
from netspace_jax.domains.fields import gaps as module
from netspace_jax.domains.fields.behaviour import Signal
from netspace_jax.domains.fields.dataset import SignalTruth, grid_data
from netspace_jax.domains.fields.signals import readout, rms, signals
from netspace_jax.metrics.outputs import outputs_on
from tests.domains.fields.small import NAME, flats_for, run_of

N = 40


@pytest.fixture(scope="module")
def run():
    """Signals that are what their networks say; the number that stands for each is its last weight."""
    points = np.linspace(-1, 1, N, dtype=np.float32)[np.random.default_rng(0).permutation(N)][None, :, None]
    flats = flats_for(Signal(), 30) * 3
    values = np.asarray(outputs_on(architectures.build(NAME, (1,), 1), flats, points[0]))
    truth = SignalTruth(flats[:, -1:], ("x",))
    run = run_of(grid_data(points, values, truth, Signal(), batch=8), "signals", flats, 24)
    run.zoo.held[NAME, "validation"] = run.zoo.held[NAME, "test"]
    return run


def test_networks_that_are_the_signals_have_no_error(run):
    metrics = signals(run).metrics
    assert metrics["signals/rms_members"] < 1e-6 and metrics["signals/rms_generated"] < 1e-6
    assert metrics["signals/rms_of_signals"] > 0.05


def test_what_stands_in_the_embedding_is_read_linearly(run):
    metrics = readout(run).metrics
    assert metrics["readout/mse_embedding"] < 1e-6 < metrics["readout/mse_mean"]
    assert metrics["readout/mse_embedding_x"] == pytest.approx(metrics["readout/mse_embedding"])


def test_as_many_samples_are_seen_of_each_signal():
    for name, seen in module.cases(7, 24).items():
        assert seen.mask.shape == (7, 24) and len({*seen.mask.sum(1).tolist()}) == 1, name
        assert seen.mask[:, 0].all() or name == "irregular"
    gap = module.cases(7, 24)["gap"].mask
    assert all(np.flatnonzero(~row).tolist() == [*range(np.argmin(row), np.argmin(row) + 6)] for row in gap)


def test_interpolation_passes_through_what_was_seen():
    instants = np.linspace(-1, 1, 5).astype(np.float32)
    values = np.array([[[0], [9], [2], [9], [1]]], np.float32)
    mask = np.array([[True, False, True, False, True]])
    np.testing.assert_allclose(module.interpolated(instants, values, mask)[0, :, 0], [0, 1, 2, 1.5, 1])


@pytest.mark.long
def test_a_signal_that_the_space_has_is_found_from_little(run, monkeypatch):
    """Embeddings begin at other signals; what is found passes through what was seen."""
    monkeypatch.setattr(fit_samples, "STEPS", 300)
    metrics = module.gaps(run).metrics
    for name in ("irregular", "gap"):
        assert metrics[f"gaps/{name}_space"] < 0.7 * metrics[f"gaps/{name}_nearest"]
    assert all(np.isfinite(value) and value >= 0 for value in metrics.values()) and len(metrics) == 21
    assert metrics["gaps/noise_space"] in (metrics["gaps/noise_posterior"], metrics["gaps/noise_descent"])


def test_root_mean_square_error_by_hand():
    values = np.zeros((2, 4, 1))
    np.testing.assert_allclose(rms(values + np.array([1, 2])[:, None, None], values), [1, 2])
