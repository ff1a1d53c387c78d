"""Spread: how much networks of like score differ from each other (docs/method.md, eq. 31).

A space that turns everything into one good network has the accuracy, and no spread.
"""

import numpy as np
from jaxtyping import Float

from netspace_jax.behaviour import Behaviour, Metric
from netspace_jax.metrics.outputs import agreement_with_each
from netspace_jax.ops.mapping import Rows

NEAR = 0.03  # scores of a pair differ by less, as a share of the range of scores
LOW, HIGH = 0.3, 0.8  # shares of the range of scores below which a network counts as a bad one, and from which as good


def score_at(metric: Metric, scores: Float[np.ndarray, "network"], share: float) -> float:
    """The score at a share of the range of scores; where a metric has no bound, some networks' own extreme is one."""
    low = metric.low if np.isfinite(metric.low) else float(scores.min())
    high = metric.high if np.isfinite(metric.high) else float(scores.max())
    return low + share * (high - low)


def pairwise_agreement(behaviour: Behaviour, outputs: Float[Rows, "network n *output"]) -> float:
    """Mean agreement over pairs of different networks; NaN for one network alone.

    Args:
      outputs: of each network on the same inputs.
    """
    if len(outputs) < 2:
        return float("nan")
    agreement = agreement_with_each(behaviour, outputs, outputs)
    return float(agreement[~np.eye(len(agreement), dtype=bool)].mean())


def spread(
    behaviour: Behaviour,
    outputs: Float[Rows, "network n *output"],
    scores: Float[np.ndarray, "network"],
    least: float = -np.inf,
) -> float:
    """Mean disagreement over pairs of different networks whose scores are near each other; NaN without a pair.

    Args:
      least: score that both of a pair have.
    """
    rows = np.flatnonzero(scores >= least)
    if len(rows) < 2:
        return float("nan")
    near = score_at(behaviour.metric, scores, NEAR) - score_at(behaviour.metric, scores, 0.0)
    outputs, scores = np.asarray(outputs)[rows], scores[rows]
    disagreement = 1 - agreement_with_each(behaviour, outputs, outputs)
    pairs = np.abs(scores[:, None] - scores[None]) < near
    pairs &= ~np.eye(len(rows), dtype=bool)
    return float(disagreement[pairs].mean()) if pairs.any() else float("nan")
