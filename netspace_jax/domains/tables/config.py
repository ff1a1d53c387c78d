"""Flags that networks for tables add to those of every zoo."""

import dataclasses
from typing import Annotated, Literal, cast

from annotated_types import Interval

from netspace_jax.config import RunConfig, ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.rules import MOST, Count

RowShare = Annotated[float, Interval(gt=0, le=0.4)]
"""A share that leaves a row to train on wherever there are three."""


@dataclasses.dataclass(frozen=True)
class TableZooConfig(ZooConfig):
    """A population of networks that each predict one column of a table of their own."""

    task_column: str = ""
    """Column of a single file that names the task of each row (a customer, a shop, a school); sets that come with the
    package have their own."""
    target: str = ""
    """Column that networks predict; sets that come with the package have their own."""
    inputs: tuple[str, ...] = ()
    """Columns that networks are given; empty for all but the target and the column of the task."""
    answers: Literal["auto", "numbers", "classes"] = "auto"
    """Whether networks answer by a number or by a class; `auto`: by a number where the target's values are numbers."""
    min_rows: Annotated[int, Interval(ge=3, le=MOST)] = 10
    """Tasks of fewer rows, counted where the target is known, are left out."""
    validation_rows: RowShare = 0.2
    """Share of each task's rows that validate its network."""
    test_rows: RowShare = 0.2
    """Share of each task's rows that test its network."""
    views: Count = 1
    """Networks of each task, all in one split, each from an initialisation of its own."""


def check(config: RunConfig) -> None:
    """Refuse combinations of these flags that cannot be.

    Raises:
      InputError: a value is impossible; the message names the flag and what it has to be.
    """
    zoo = cast(TableZooConfig, config.zoo)
    if zoo.target in zoo.inputs:
        raise InputError(f"--zoo.inputs names {zoo.target}, which is the target: leave it out")
    if zoo.shared_init and zoo.views > 1:
        raise InputError("--zoo.views are networks that start apart: leave --zoo.shared-init out, or views at 1")
    if config.netspace.teaching == "common":
        raise InputError(
            "--netspace.teaching common needs data that all networks share; each of these has its own task"
        )
