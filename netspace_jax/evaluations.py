"""Everything that can be made of finished runs: the sections of a report, one of them again, and files.

Runs are not typed here, and what makes a section is imported when it is asked for: a list of names needs neither.
"""

import dataclasses
import logging
from collections.abc import Callable
from typing import Any

from netspace_jax.domain import Domain, Evaluation, domain, domains, section
from netspace_jax.errors import InputError
from netspace_jax.report import Section

OnSection = Callable[[str, int], None]
"""Called with the name of a section as it begins, and the number of sections."""

_REPORT = "netspace_jax.report"
_FIRST = (section(f"{_REPORT}.sections:zoo", "What are the networks, and how good are they?"),)
_THEN = (
    section(
        f"{_REPORT}.sections:reconstruction", "Does a network that the space never saw come back?", name="reconstruct"
    ),
    section(
        f"{_REPORT}.fidelity:fidelity",
        "Is it the same network, or only one as good?",
        lambda run: bool(run.config.refine.steps) and run.config.netspace.teaching == "self",
    ),
    section(f"{_REPORT}.sections:embeddings", "Does the space know which networks are alike?"),
    section(f"{_REPORT}.sections:preps", "Do the parameters look alike?", name="prep"),
)
_LAST = (
    section(f"{_REPORT}.sections:training", "Has the training come to its end?"),
    section(
        f"{_REPORT}.export:export",
        "Networks with a model card: safetensors, PyTorch, Orbax, StableHLO and ONNX",
        in_report=False,
    ),
    section(
        f"{_REPORT}.adapt:adapt_to_file",
        "The network of a new task from a file of examples (--examples FILE)",
        name="adapt",
        in_report=False,
    ),
    section(
        "netspace_jax.explorer.page:explore",
        "The space as a map in one HTML file, networks decoded and run in the browser",
        in_report=False,
    ),
)


def evaluations(run_domain: Domain) -> tuple[Evaluation, ...]:
    """All that can be made of a domain's finished runs, in the order of a report."""
    leading = tuple(one for one in run_domain.evaluations if one.leads)
    others = tuple(one for one in run_domain.evaluations if not one.leads)
    return (*_FIRST, *leading, *_THEN, *others, *_LAST)


def all_evaluations() -> dict[str, Evaluation]:
    """All that can be made of finished runs of any domain, by name."""
    return {one.name: one for run_domain in domains() for one in evaluations(run_domain)}


def make(evaluation: Evaluation, run: Any, options: Any = None) -> Section | list[str]:
    """A section of a run's report, or lines for the screen.

    Args:
      options: what the evaluation takes beside the run; its defaults where none are given.
    """
    kind = evaluation.options
    made = evaluation.make(run) if kind is None else evaluation.make(run, options or kind())
    return made if isinstance(made, list) else dataclasses.replace(made, question=evaluation.summary)


def sections(run: Any, on_section: OnSection) -> list[Section]:
    """The sections of a run's report, in order.

    One that fails costs no other: it stands in its place with the error, and `Section.failed` is true.
    """
    chosen = [one for one in evaluations(domain(run.config.domain)) if one.in_report and one.applies(run)]
    made = []
    for evaluation in chosen:
        on_section(evaluation.name, len(chosen))
        try:
            made.append(make(evaluation, run))
        except Exception as error:
            logging.getLogger(__name__).exception("section %s of %s failed", evaluation.name, run.path)
            made.append(_failed(evaluation, error))
    return made


def _failed(evaluation: Evaluation, error: Exception) -> Section:
    text = f"This section could not be made: {type(error).__name__}: {error}"
    return Section(evaluation.name, evaluation.name, text, {}, question=evaluation.summary, failed=True)


def evaluate(name: str, run: Any, options: Any = None) -> list[str]:
    """Make one section of a finished run's report again, or what else its domain can; returns lines for the screen.

    Args:
      options: what it takes beside the run.

    Raises:
      InputError: the run cannot have it.
    """
    from netspace_jax.report.page import save_figures  # with matplotlib, of which a list of names has no need

    made = make(_named(name, run), run, options)
    if isinstance(made, list):
        return made
    figures = run.path / "figures"
    save_figures([made], figures)
    lines = [made.title, "", made.text, "", *("  ".join(row) for row in made.table)]
    lines += [f"{key} {value:.4f}" for key, value in sorted(made.metrics.items())]
    if made.figure is not None:
        lines.append(f"figure: {figures / (made.name + '.png')}")
    return lines


def _named(name: str, run: Any) -> Evaluation:
    possible = {one.name: one for one in evaluations(domain(run.config.domain)) if one.applies(run)}
    if name not in possible:
        raise InputError(f"a run of {run.config.name} has no {name!r}; it has {', '.join(possible)}")
    return possible[name]
