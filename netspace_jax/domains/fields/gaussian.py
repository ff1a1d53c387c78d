"""A Gaussian of the data itself, conditioned on what was seen: what takes neither networks nor a space."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

RIDGES = (1e-6, 1e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3)


def conditioned(
    training: Float[Any, "training n c"],
    values: Float[Any, "signal n c"],
    mask: Bool[np.ndarray, "signal n"],
    ridge: float,
) -> Float[np.ndarray, "signal n c"]:
    """The mean of each signal under a Gaussian of training signals on their grid, given the samples that were seen.

    Args:
      ridge: variance that is added to that of each sample, as a share of their mean variance.
    """
    rows = np.asarray(training, np.float64).reshape(len(training), -1)
    mean, deviations = rows.mean(0), rows - rows.mean(0)
    covariance = deviations.T @ deviations / len(rows)
    covariance_seen = covariance + ridge * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    masks = np.repeat(mask, values.shape[2], 1)
    filled = np.empty_like(flat)
    for place in np.unique(masks, axis=0):  # signals of which the same samples were seen are solved for together
        rows_of = np.flatnonzero((masks == place).all(1))
        seen = covariance_seen[np.ix_(place, place)]
        weights = np.linalg.solve(seen, (flat[rows_of][:, place] - mean[place]).T)
        filled[rows_of] = mean + (covariance[:, place] @ weights).T
    return filled.reshape(values.shape).astype(np.float32)
