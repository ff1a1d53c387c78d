"""What can be made of finished runs: the sections of a report, one of them again, and what else a domain can."""

from collections.abc import Callable, Sequence
from typing import Any

from netspace_jax.domain import Domain, domain, domains
from netspace_jax.errors import InputError
from netspace_jax.explorer.page import evaluation as explorer_evaluation
from netspace_jax.report import Evaluation, Section
from netspace_jax.report.page import save_figures
from netspace_jax.report.sections import FIRST, LAST
from netspace_jax.runs import Run

OnSection = Callable[[str, int], None]
"""Called with the name of a section as it begins, and the number of sections."""


def evaluations(run_domain: Domain) -> tuple[Evaluation, ...]:
    """What can be made of a domain's finished runs, in the order of a report."""
    own = run_domain.evaluations
    leading, others = (tuple(one for one in own if one.leads is leads) for leads in (True, False))
    return (FIRST[0], *leading, *FIRST[1:], *others, *LAST, explorer_evaluation(run_domain.view))


def all_evaluations() -> dict[str, Evaluation]:
    """What can be made of finished runs of any domain, by name."""
    return {found.name: found for each in domains() for found in evaluations(each)}


def sections(run: Run, on_section: OnSection) -> list[Section]:
    """The sections of a run's report, in order."""
    wanted = [found for found in evaluations(domain(run.config.domain)) if found.in_report and found.applies(run)]
    made = []
    for evaluation in wanted:
        on_section(evaluation.name, len(wanted))
        made.append(evaluation(run))
    return made


def evaluate(name: str, run: Run, options: Any = None) -> list[str]:
    """Make one section of a finished run's report again, or what else its domain can; returns lines for the screen.

    Args:
      options: what it takes beside the run.

    Raises:
      InputError: the run cannot have it.
    """
    found = _named(name, run)(run, options)
    if not isinstance(found, Section):
        return found
    figures = run.path / "figures"
    save_figures([found], figures)
    lines = [found.title, "", found.text, "", *("  ".join(row) for row in found.table)]
    lines += [f"{key} {value:.4f}" for key, value in sorted(found.metrics.items())]
    if found.figure is not None:
        lines.append(f"figure: {figures / (found.name + '.png')}")
    return lines


def _named(name: str, run: Run) -> Evaluation:
    possible: Sequence[Evaluation] = [e for e in evaluations(domain(run.config.domain)) if e.applies(run)]
    for found in possible:
        if found.name == name:
            return found
    raise InputError(f"a run of {run.config.name} has no {name!r}; it has {', '.join(e.name for e in possible)}")
