"""Spread: how much networks of like score differ from each other (docs/method.md, eq. 31).

A space that turns everything into one good network has the accuracy, and no spread.
"""

import numpy as np
from jaxtyping import Float

from netspace_jax.behaviour import Behaviour
from netspace_jax.metrics.outputs import agreement_with_each
from netspace_jax.ops.mapping import Rows

NEAR = 0.03  # scores of a pair differ by less
HIGH = 0.8  # score from which a network counts as a good one


def pairwise_agreement(behaviour: Behaviour, outputs: Float[Rows, "network n outputs"]) -> float:
    """Mean agreement over pairs of different networks; NaN for one network alone.

    Args:
      outputs: what each network says of the same inputs.
    """
    if len(outputs) < 2:
        return float("nan")
    agreement = agreement_with_each(behaviour, outputs, outputs)
    return float(agreement[~np.eye(len(agreement), dtype=bool)].mean())


def spread(
    behaviour: Behaviour,
    outputs: Float[Rows, "network n outputs"],
    scores: Float[np.ndarray, "network"],
    least: float = 0.0,
) -> float:
    """Mean disagreement over pairs of different networks whose scores differ by less than 0.03; NaN without a pair.

    Args:
      outputs: what each network says of the same inputs.
      scores: of each network.
      least: score that both of a pair have.
    """
    rows = np.flatnonzero(scores >= least)
    if len(rows) < 2:
        return float("nan")
    own = np.asarray(outputs)[rows]
    disagreement = 1 - agreement_with_each(behaviour, own, own)
    near = np.abs(scores[rows][:, None] - scores[rows][None]) < NEAR
    near &= ~np.eye(len(rows), dtype=bool)
    return float(disagreement[near].mean()) if near.any() else float("nan")
