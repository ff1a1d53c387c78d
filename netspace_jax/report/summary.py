"""A run in three sentences, which stand at the top of its report."""

import math
from collections.abc import Mapping


def summary(metrics: Mapping[str, int | float]) -> str:
    """What came out, agreement and gap explained; empty where neither was measured."""
    agreement, gap = (metrics.get(f"reconstruct/{name}_test", math.nan) for name in ("agreement", "gap"))
    if not (math.isfinite(agreement) and math.isfinite(gap)):
        return ""
    text = (
        f"A network that the space never saw, and the one that is decoded from its embedding, agree on {agreement:.1%} "
        f"of test inputs: this share is the agreement, 100 % at best. Their scores differ by {gap:.4f} on average: "
        f"this is the gap, 0 at best. "
    )
    refined, refined_gap = (metrics.get(f"refined/{name}_test", math.nan) for name in ("agreement", "gap"))
    if math.isfinite(refined) and math.isfinite(refined_gap):
        return (
            f"{text}Refined, that is with the embedding moved by gradient steps until the decoded network imitates the "
            f"other better, the agreement is {refined:.1%} and the gap {refined_gap:.4f}."
        )
    return f"{text}Both are means over test networks; below stands how they were measured."
