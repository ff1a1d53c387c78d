"""What a section of a report is, and what sections share."""

import dataclasses
import functools
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from netspace_jax.metrics.reconstruction import Reconstruction, reconstruct
from netspace_jax.runs.pipeline import Trained
from netspace_jax.task import Split, Task


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of a report: numbers for metrics.json, a figure, a table, and what a reader should know of them.

    Attributes:
      fragment: HTML that stands below the rest, as a 3-D viewer.
    """

    name: str
    title: str
    text: str
    metrics: Mapping[str, float]
    figure: Figure | None = None
    table: tuple[tuple[str, ...], ...] = ()
    fragment: str = ""


@functools.lru_cache(maxsize=8)
def reconstruct_split(trained: Trained, kind: int, split: Split) -> Reconstruction:
    """Members of one architecture and split, and what is generated from them, compared on test inputs; sections share it."""
    networks = trained.shown(trained.networks(kind, split))
    return reconstruct(trained.netspace, trained.params, trained.constants, trained.task, networks, kind, "test")


def chance(task: Task) -> float:
    """Accuracy of always naming the commonest class of the test images."""
    counts = np.bincount(np.asarray(task.examples("test", jnp.int32(0)).targets))
    return float(counts.max() / counts.sum())
