"""What there is, as text for people."""

import numpy as np

from netspace_jax.domain import domains
from netspace_jax.evaluations import all_evaluations, evaluations
from netspace_jax.zoo import Zoo


def describe_zoo(zoo: Zoo) -> str:
    """What is in a zoo."""
    summary = zoo.summary
    origin = (
        f"imported, {summary.get('left_out', 0)} left out (left_out.csv)"
        if zoo.imported
        else f"trained in {summary['seconds']:.0f} s, {summary['diverged']} diverged"
    )
    lines = [
        f"{zoo.directory}: {len(zoo.members)} networks for {zoo.description.get('dataset')}, {origin}",
        f"{'architecture':14} {'split':10} {'networks':>8} {'steps':>13} "
        f"{'test score: min':>16} {'mean':>6} {'max':>6}",
    ]
    for name in zoo.architectures:
        for split, members in zoo.by_split(name).items():
            scores, steps = members.score_test, members.steps
            trained = f"{'unknown':^13}" if zoo.imported else f"{min(steps):6}–{max(steps):<6}"
            lines.append(
                f"{name:14} {split:10} {len(members):8} {trained} {min(scores):16.3f} "
                f"{np.mean(scores):6.3f} {max(scores):6.3f}"
            )
    return "\n".join(lines)


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
