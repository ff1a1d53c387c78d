"""The section on adaptation: curves, wins and what is said of them."""

import numpy as np
import pytest

from netspace_jax.behaviour import Metric
from netspace_jax.metrics.adaptation import Baselines, Curves
from netspace_jax.report import adaptation, figures
from tests import tiny


def curves(space):
    """Of the space, a baseline of one network, one of several, and members: by number and task."""
    rest = [[[0.4, 0.5, 0.6]] * 2, [[0.9, 0.9, 0.9]] * 2, [[0.7, 0.8, 0.9]] * 2]
    names, single = ("space", "nearest", "vote", "member"), (True, True, False, False)
    return Curves(names, (1, 10), np.array([space, *rest]), (0.002, 0.01, 0.02, 0.0), (67,) * 4, single)


@pytest.fixture
def section(monkeypatch):
    def made(space, left_out):
        monkeypatch.setattr(
            adaptation,
            "measured",
            lambda run, config, names: (curves(space), Baselines({}, left_out, {"nearest": 7.0})),
        )
        monkeypatch.setattr(type(tiny.trained()), "networks", lambda run, which, split: tiny.networks(4))
        return adaptation.adaptation(tiny.trained(), adaptation.ReportConfig(examples=(1, 10)))

    return made


def test_scores_wins_and_cost_are_metrics(section):
    metrics = section([[0.3, 0.6, 0.7], [0.5, 0.6, 0.7]], {}).metrics
    assert metrics["adapt/1/space"] == pytest.approx(1.6 / 3) and metrics["adapt/10/member"] == pytest.approx(0.8)
    assert metrics["adapt/wins_1"] == pytest.approx(2 / 3) and metrics["adapt/wins_10"] == 1
    assert metrics["adapt/seconds_per_task"] == 0.002
    assert metrics["adapt/10/space_low"] <= metrics["adapt/10/space"] <= metrics["adapt/10/space_high"]


def test_the_table_has_a_row_for_each_way_and_the_text_what_is_missing(section):
    made = section([[0.5, 0.6, 0.7]] * 2, {"pooled_large": "nothing is larger"})
    assert made.table[0][4:] == ("k = 1", "k = 10") and len(made.table) == 5 and made.table[2][2] == "7"
    assert made.table[-1][2:4] == ("–", "–") and "0.800" in made.table[-1][4]
    assert "wins on 100% of tasks (nearest training network)" in made.text and "nothing is larger" in made.text
    assert made.figure is not None


def test_every_way_is_a_line_with_its_interval():
    lines = [(f"way {i}", np.full((3, 5), 0.1 * i) + np.linspace(0, 0.05, 5)) for i in range(9)]
    _, ax = figures.against_examples((1, 5, 20), lines, Metric("accuracy"), lambda row: (row.min(), row.max()))
    assert len(ax.lines) == len(ax.collections) == 9
    looks = {(line.get_color(), line.get_marker()) for line in ax.lines}
    assert len(looks) == 9 and [text.get_text() for text in ax.get_xticklabels()] == ["1", "5", "20"]


def test_every_baseline_has_a_label():
    names = {*adaptation.BASELINES, *adaptation.BESIDE, adaptation.SPACE, adaptation.MEMBER}
    assert names == adaptation.LABELS.keys() and {*adaptation.IN_REPORT} <= names
