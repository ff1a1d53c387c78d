"""The section on fidelity: generated and refined networks beside what takes no space."""

import numpy as np
import pytest

from netspace_jax.report.fidelity import FidelityOptions, fidelity
from tests import tiny


@pytest.fixture(scope="module")
def perfect():
    return fidelity(tiny.trained(), FidelityOptions((1, 2)))


def test_a_space_that_gives_networks_back_agrees_with_all(perfect):
    assert perfect.metrics["refined/agreement_test"] == 1
    assert perfect.metrics["refined/gap_test"] == 0
    assert perfect.metrics["reconstruct/agreement_test_low"] == 1
    assert perfect.metrics["spread/generated"] == pytest.approx(perfect.metrics["spread/members"])


def test_baselines_stand_in_the_same_table(perfect):
    names = {"mean_embedding", "nearest_network", "noise", "distilled", "distilled_2"}
    assert {f"baseline/{name}/agreement_test" for name in names} <= perfect.metrics.keys()
    assert len(perfect.table) == 1 + 2 + len(names)
    assert perfect.metrics["baseline/mean_embedding/agreement_test"] < 0.9


def test_the_sentence_says_what_was_found(perfect):
    best = max(
        (v, k)
        for k, v in perfect.metrics.items()
        if k.startswith("baseline/") and "agreement" in k and "noise" not in k
    )
    assert f"{best[0]:.3f}" in perfect.text and "1.000" in perfect.text


def test_agreement_is_given_within_bands_of_score(perfect):
    scores = tiny.trained().reconstruction(0, "test").score
    row = perfect.table[1]
    for cell, (low, high) in zip(row[2:5], ((0, 0.3), (0.3, 0.8), (0.8, 1.01)), strict=True):
        inside = (np.asarray(scores) >= low) & (np.asarray(scores) < high)
        assert cell == ("1.000" if inside.any() else "–")


def test_agreement_and_gap_within_bands_are_figures(perfect):
    assert {f"refined/{what}_0_0.3" for what in ("agreement", "gap")} <= perfect.metrics.keys()
    assert perfect.metrics["refined/agreement_0_0.3"] == 1


def test_a_space_of_raw_parameters_generates_permuted_copies_as_well(perfect):
    """The tiny space hands every network back, so a copy comes back as itself, at another place."""
    assert perfect.metrics["permuted/agreement_test"] == 1
    assert perfect.metrics["permuted/embedding_difference"] > 0.1
    assert "permuted neurons" in perfect.text
