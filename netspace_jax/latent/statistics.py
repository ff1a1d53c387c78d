"""Where embeddings of real networks lie: one Gaussian, by each value's deviation or along principal axes."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

_NARROWEST = 1e-3  # of the widest deviation: what embeddings vary less than that counts as this


@flax.struct.dataclass
class EmbeddingStatistics:
    """A Gaussian over embeddings: z = mean + deviation · (u + Σ (stretch − 1)(u·a) a).

    Attributes:
      deviation: standard deviation of each value; with axes, in the directions across them.
      axes: principal axes a of embeddings in units of `deviation`, unit vectors; none where values are independent.
      stretch: standard deviation along each axis, in the same units.
    """

    mean: Float[Array, "embedding"]
    deviation: Float[Array, "embedding"]
    axes: Float[Array, "axis embedding"]
    stretch: Float[Array, "axis"]

    def standardise(self, z: Float[Array, "... embedding"]) -> Float[Array, "... embedding"]:
        """Distance from the centre in standard deviations (docs/method.md, eq. 22; with axes eq. 37)."""
        u = (z - jnp.broadcast_to(self.mean, z.shape)) / jnp.broadcast_to(self.deviation, z.shape)
        return self._stretched(u, 1 / self.stretch)

    def restore(self, u: Float[Array, "... embedding"]) -> Float[Array, "... embedding"]:
        """The embedding of a standardised one."""
        u = self._stretched(u, self.stretch)
        return jnp.broadcast_to(self.mean, u.shape) + u * jnp.broadcast_to(self.deviation, u.shape)

    def project(self, z: Float[Array, "... embedding"]) -> Float[Array, "... axis"]:
        """Coordinates of an embedding along the axes, in standard deviations."""
        return self.standardise(z) @ self.axes.T

    def lift(self, coordinates: Float[Array, "... axis"]) -> Float[Array, "... embedding"]:
        """The embedding at coordinates along the axes, the centre's in all directions across them."""
        return self.restore(coordinates @ self.axes)

    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count embedding"]:
        """Embeddings drawn from the Gaussian."""
        return self.restore(jax.random.normal(key, (count, len(self.mean))))

    def log_density(self, z: Float[Array, "... embedding"]) -> Float[Array, "..."]:
        """Logarithm of the Gaussian's density, in nats."""
        size = jnp.log(self.deviation).sum() + jnp.log(self.stretch).sum()
        return -0.5 * jnp.square(self.standardise(z)).sum(-1) - size - 0.5 * len(self.mean) * jnp.log(2 * jnp.pi)

    def _stretched(self, u: Float[Array, "... embedding"], by: Float[Array, "axis"]) -> Float[Array, "... embedding"]:
        return u + (u @ self.axes.T) @ ((by - 1)[:, None] * self.axes) if len(self.axes) else u


def independent_statistics(z: Float[Any, "network embedding"]) -> EmbeddingStatistics:
    """The Gaussian of some embeddings whose values count as independent of each other.

    A value in which they hardly differ counts as if its deviation were a thousandth of the largest.
    """
    z = jnp.asarray(z)
    deviation = z.std(0)
    return _independent(z.mean(0), jnp.maximum(deviation, _NARROWEST * deviation.max() + 1e-8))


def statistics_around(z: Float[Array, "embedding"]) -> EmbeddingStatistics:
    """The Gaussian around one embedding that is as wide, in each value, as its values differ from each other."""
    return _independent(z, jnp.full_like(z, jnp.maximum(jnp.std(z), 1e-30)))


def _independent(mean: Float[Array, "embedding"], deviation: Float[Array, "embedding"]) -> EmbeddingStatistics:
    return EmbeddingStatistics(mean, deviation, jnp.zeros((0, len(mean))), jnp.ones(0))


def correlated_statistics(z: Float[Any, "network embedding"], kept: float = 1.0) -> EmbeddingStatistics:
    """The Gaussian of some embeddings by their covariance: values that vary together in real ones move together.

    Where little is known of what is searched for, that says the rest: of half a shape, the other half. Across the axes
    the deviation is a thousandth of the widest.

    Args:
      kept: share of the variance that the axes carry; all that are wider than that thousandth where it is 1.
    """
    rows = np.asarray(z, np.float64)
    _, sizes, axes = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    deviations = sizes / np.sqrt(len(rows))
    across = _NARROWEST * deviations[0] + 1e-8
    share = np.cumsum(np.square(sizes)) / max(np.square(sizes).sum(), 1e-30)
    count = max(min(int((deviations > across).sum()), int(np.searchsorted(share, kept)) + 1), 1)
    stretch = np.maximum(deviations[:count] / across, 1)
    values = (rows.mean(0), np.full(rows.shape[1], across), axes[:count], stretch)
    return EmbeddingStatistics(*(jnp.asarray(value, jnp.float32) for value in values))


def line(a: Float[Any, "size"], b: Float[Any, "size"], steps: int) -> Float[Any, "step size"]:
    """Points at equal steps from `a` to `b`, both included: embeddings, or the parameters of networks."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return (1 - share) * a[None] + share * b[None]
