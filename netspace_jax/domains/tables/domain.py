"""The domain of networks that predict one column of a table from the others."""

from typing import Any

from netspace_jax.config import NetSpaceConfig
from netspace_jax.domain import Domain, section
from netspace_jax.domains.tables.config import TableZooConfig, check
from netspace_jax.domains.tables.presets import PRESETS
from netspace_jax.lazy import Lazy

_HERE = "netspace_jax.domains.tables"


def reads_numbers(run: Any) -> bool:
    """Whether a run's networks answer by numbers, and its space reads tasks by their rows."""
    return run.dataset.behaviour.name == "row_regression" and run.space.calibration is not None


DOMAIN = Domain(
    name="tables",
    zoo_config=TableZooConfig,
    netspace_config=NetSpaceConfig,
    load=Lazy(f"{_HERE}.loading:load"),
    presets=PRESETS,
    behaviours=(f"{_HERE}.behaviour",),
    evaluations=(
        section(f"{_HERE}.new_tasks:new_tasks", "What do a few rows say of a new task?", reads_numbers, leads=True),
        section(
            f"{_HERE}.new_tasks:few_rows",
            "The same beside mixed-effects models and boosting: minutes",
            reads_numbers,
            in_report=False,
        ),
    ),
    check=check,
    read_examples=Lazy(f"{_HERE}.loading:read_examples"),
    view=Lazy(f"{_HERE}.explorer:view"),
    data_flags=("dataset", "task_column", "target", "inputs", "answers", "min_rows", "validation_rows", "test_rows"),
)
