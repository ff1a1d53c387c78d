"""Statistics of weights: the baseline of Unterthiner et al. 2020 (arXiv 2002.11448)."""

import numpy as np
from jaxtyping import Float

from netspace_jax.architectures.parameters import Spec

_QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def weight_statistics(spec: Spec, flats: Float[np.ndarray, "network size"]) -> Float[np.ndarray, "network statistics"]:
    """Mean, variance and five quantiles of each parameter tensor of each network."""
    columns = []
    for leaf, start in zip(spec.leaves, spec.offsets, strict=True):
        part = np.asarray(flats)[:, start : start + leaf.size]
        columns += [part.mean(1), part.var(1), *np.quantile(part, _QUANTILES, axis=1)]
    return np.stack(columns, 1)
