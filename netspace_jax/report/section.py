"""What a section of a report is, and what makes one."""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from netspace_jax.runs import Run


@dataclasses.dataclass(frozen=True)
class Section:
    """One part of a report: numbers for metrics.json, a figure, a table, and what a reader should know of them.

    Attributes:
      question: what the section answers, as a reader would ask it.
      fragment: HTML that stands below the rest, as a 3-D viewer.
    """

    name: str
    title: str
    text: str
    metrics: Mapping[str, float]
    figure: Figure | None = None
    table: tuple[tuple[str, ...], ...] = ()
    fragment: str = ""
    question: str = ""


def always(run: Run) -> bool:
    """Any run."""
    del run
    return True


def several_architectures(run: Run) -> bool:
    """A run with more than one architecture."""
    return len(run.space.architectures) > 1


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Something that can be made of a finished run: `python eval NAME RUN`.

    Attributes:
      make: from a run, and from options where there are some, to a section of a report, or to lines for the screen.
      in_report: whether the report has it; what takes minutes of training, or writes files, is made when asked for.
      applies: whether a run can have it.
      options: a frozen dataclass of flags that `make` takes beside the run.
      question: what its section answers, as a reader would ask it.
      leads: whether it stands right after the zoo, since it shows what the networks hold.
    """

    name: str
    make: Callable[..., Section | list[str]]
    in_report: bool = True
    applies: Callable[[Run], bool] = always
    options: type | None = None
    question: str = ""
    leads: bool = False

    @property
    def summary(self) -> str:
        """What it is, in one line."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]

    def __call__(self, run: Run, options: Any = None) -> Section | list[str]:
        """Make it from a run, with default options where none are given."""
        found = self.make(run) if self.options is None else self.make(run, options or self.options())
        if isinstance(found, Section) and self.question:
            return dataclasses.replace(found, question=self.question)
        return found
