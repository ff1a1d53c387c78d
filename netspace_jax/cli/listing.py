"""Evaluations, as text for people; nothing that makes one is imported."""

from netspace_jax.domain import domains
from netspace_jax.evaluations import all_evaluations, evaluations


def list_evaluations(program: str) -> str:
    """All that can be made of a finished run, a line each."""
    every = all_evaluations()
    shared = set.intersection(*({one.name for one in evaluations(run_domain)} for run_domain in domains()))
    width = max(map(len, every))
    groups = {"any run": [one for name, one in every.items() if name in shared]}
    for run_domain in domains():
        groups[f"runs of {run_domain.name}"] = [one for one in run_domain.evaluations if one.name not in shared]
    lines = [f"usage: {program} NAME RUN [FLAGS]   ({program} NAME --help lists the flags of one)", ""]
    for title, chosen in groups.items():
        lines.append(f"{title}:")
        for one in chosen:
            lines.append(f"  {one.name:{width}}  {one.summary}{'' if one.in_report else ' (not in the report)'}")
    return "\n".join(lines)
