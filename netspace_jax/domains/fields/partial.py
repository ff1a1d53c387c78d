"""Samples of a field as they might come of one that is seen in part: what a set encoder learns to read."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from netspace_jax.dataset import DrawnExamples


def partly_seen(key: PRNGKeyArray, points: Float[Array, "n dimensions"], unit: float, channels: int) -> DrawnExamples:
    """Half of the time points at random, else those of one side alone, or all but those around a place.

    Their number is uniform or log-uniform, and in three of ten cases values have an error.

    Args:
      unit: of values; the standard deviation of an error is at most half of it.
      channels: values at a point.
    """
    count = len(points)
    keys = jax.random.split(key, 8)
    side = points @ jax.random.normal(keys[0], points.shape[1:])
    around = -jnp.square(points - points[jax.random.randint(keys[1], (1,), 0, count)]).sum(-1)
    at_random = jax.random.uniform(keys[2], (count,))
    way = jax.random.choice(keys[3], 3, p=jnp.array([0.5, 0.25, 0.25]))
    order = jnp.stack([at_random, side, around])[way].argsort()
    share = jax.random.uniform(keys[4], (2,))
    some = jnp.where(share[0] < 0.5, 1.0 + share[1] * (count - 1.0), float(count) ** share[1])
    spread = jnp.where(jax.random.bernoulli(keys[5], 0.3), 0.5 * jax.random.uniform(keys[6]), 0.0)
    noise = spread * unit * jax.random.normal(keys[7], (count, channels))
    weight = (jnp.arange(count, dtype=jnp.float32) < jnp.round(some)).astype(jnp.float32)
    return DrawnExamples(points[order], weight, noise)
