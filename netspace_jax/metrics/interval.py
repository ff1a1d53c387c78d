"""Intervals of means, by the bootstrap."""

import numpy as np
from jaxtyping import Float
from scipy.stats import bootstrap


def mean_interval(values: Float[np.ndarray, "n"], confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean over members, by the percentile bootstrap; of equal values, or of one, the value itself."""
    if len(values) < 2 or np.ptp(values) == 0:
        return float(values.mean()), float(values.mean())
    found = bootstrap(
        (np.asarray(values, np.float64),),
        np.mean,
        confidence_level=confidence,
        method="percentile",
        n_resamples=2000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)
