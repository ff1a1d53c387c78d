"""A zoo, as text for people."""

import numpy as np

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
