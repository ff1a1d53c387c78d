"""Settings of adapters, such as rates and steps, chosen on validation tasks for each number of examples."""

import itertools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int, PRNGKeyArray

from netspace_jax.dataset import Dataset
from netspace_jax.metrics.adaptation.adapter import ByCount, Tunable
from netspace_jax.metrics.adaptation.curves import task_scores


def grid(kind: Any, **values: Sequence[float] | Sequence[int]) -> list[Any]:
    """Settings of a kind with each combination of values of its fields."""
    typed = [[np.float32(v) if isinstance(v, float) else np.int32(v) for v in given] for given in values.values()]
    return [kind(**dict(zip(values, chosen, strict=True))) for chosen in itertools.product(*typed)]


def tuned(
    key: PRNGKeyArray,
    dataset: Dataset,
    adapter: Tunable,
    tried: Sequence[Any],
    members: Int[np.ndarray, "task"],
    counts: tuple[int, ...],
) -> ByCount:
    """The adapter with those settings, of all that are tried, that score best on validation tasks for each number."""
    numbers = jnp.array(counts, jnp.float32)

    def with_settings(chosen: Sequence[Any]) -> ByCount:
        return ByCount(adapter, numbers, jax.tree.map(lambda *values: np.stack(values), *chosen))

    means = [
        np.nan_to_num(task_scores(key, dataset, with_settings([one] * len(counts)), members, counts), nan=-np.inf)
        for one in tried
    ]
    best = np.mean(means, axis=(1, 3)).argmax(0)
    return with_settings([tried[place] for place in best])
