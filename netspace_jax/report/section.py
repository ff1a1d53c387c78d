"""One part of a report."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    figure: "Figure | None" = None
    table: tuple[tuple[str, ...], ...] = ()
    fragment: str = ""
    question: str = ""
    failed: bool = False
