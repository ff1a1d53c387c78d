"""Sections on a few rows of a new task: what is asked for is measured, from the rows that the seed draws."""

import types

import numpy as np
import pytest

from netspace_jax.domains.tables import new_tasks
from netspace_jax.domains.tables.new_tasks import MEAN, POOLED, SPACE, FewRowsConfig
from tests import tiny
from tests.domains.tables.test_mixed_effects import tasks


@pytest.fixture
def run(monkeypatch):
    """Of which the space says what the mean of the rows does."""
    rows = tasks(36, 0)
    networks = {"train": np.arange(12), "validation": np.arange(12, 24), "test": np.arange(24, 36)}
    chosen = lambda data, wanted: rows._replace(**{  # noqa: E731
        name: getattr(rows, name)[np.isin(rows.task, wanted)] for name in rows._fields
    })  # fmt: skip
    monkeypatch.setattr(new_tasks, "_rows_of", chosen)
    monkeypatch.setattr(
        new_tasks, "_space", lambda run: lambda inputs, targets, others: np.full(len(others), targets.mean())
    )
    made = tiny.again(tiny.trained())
    object.__setattr__(made, "dataset", types.SimpleNamespace(items=36, behaviour=types.SimpleNamespace(target="y")))
    of_split = lambda run, architecture, split: types.SimpleNamespace(indices=networks[split])  # noqa: E731
    monkeypatch.setattr(type(made), "networks", of_split)
    return made


def test_a_report_has_what_takes_seconds_for_each_number_of_rows(run):
    made = new_tasks.new_tasks(run, FewRowsConfig(rows=(1, 5)))
    assert made.metrics.keys() == {f"few_rows/{count}/{name}" for count in (1, 5) for name in (SPACE, POOLED, MEAN)}
    assert made.metrics["few_rows/5/space"] == made.metrics["few_rows/5/mean"] > made.metrics["few_rows/1/mean"]
    assert made.table[0] == ("rows given", "1", "5") and made.table[-1] == ("new tasks", "12", "12")
    other = new_tasks.new_tasks(run, FewRowsConfig(rows=(1, 5), seed=1))
    assert other.metrics["few_rows/1/mean"] != made.metrics["few_rows/1/mean"]


def test_tasks_of_too_few_rows_are_told(run):
    made = new_tasks.new_tasks(run, FewRowsConfig(rows=(12,)))
    assert not made.metrics and "Of 12 new tasks no 8 have rows enough" in made.text
