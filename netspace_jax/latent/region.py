"""Where embeddings of real networks lie, and the straight lines between them."""

from typing import Any

import flax.struct
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


@flax.struct.dataclass
class Region:
    """Where embeddings of real networks lie: what a search is kept near to (docs/method.md, eq. 22)."""

    mean: Float[Array, "embedding"]
    std: Float[Array, "embedding"]

    def standardise(self, z: Float[Array, "... embedding"]) -> Float[Array, "... embedding"]:
        """Distance from the centre, in standard deviations."""
        return (z - jnp.broadcast_to(self.mean, z.shape)) / jnp.broadcast_to(self.std, z.shape)

    def restore(self, u: Float[Array, "... embedding"]) -> Float[Array, "... embedding"]:
        """The embedding of a standardised one."""
        return jnp.broadcast_to(self.mean, u.shape) + u * jnp.broadcast_to(self.std, u.shape)


@flax.struct.dataclass
class CorrelatedRegion(Region):
    """The same with what embeddings have in common: coordinates that vary together in real ones move together.

    Where little is known of what is searched for, that says the rest: of half a shape, the other half.

    Attributes:
      std: standard deviation along each principal axis.
      axes: the principal axes, unit vectors.
      rest: standard deviation in every other direction.
    """

    std: Float[Array, "axis"]
    axes: Float[Array, "axis embedding"]
    rest: Float[Array, ""]

    def standardise(self, z: Float[Array, "... embedding"]) -> Float[Array, "... embedding"]:
        """Distance from the centre, the same in all directions (docs/method.md, eq. 37)."""
        away = (z - jnp.broadcast_to(self.mean, z.shape)) / self.rest
        return away + (away @ self.axes.T) @ ((self.rest / self.std - 1)[:, None] * self.axes)

    def restore(self, u: Float[Array, "... embedding"]) -> Float[Array, "... embedding"]:
        """The embedding of a standardised one."""
        wide = (u @ self.axes.T) @ ((self.std - self.rest)[:, None] * self.axes)
        return jnp.broadcast_to(self.mean, u.shape) + self.rest * u + wide


def region_of(z: Float[Any, "network embedding"]) -> Region:
    """The region of some embeddings; a direction in which they hardly differ counts as a thousandth of the widest."""
    std = np.asarray(z).std(0)
    return Region(jnp.asarray(np.mean(z, 0)), jnp.asarray(np.maximum(std, 1e-3 * std.max() + 1e-8)))


def correlated_region_of(z: Float[Any, "network embedding"]) -> CorrelatedRegion:
    """The region of some embeddings by their covariance; its deviations are at least a thousandth of the widest."""
    rows = np.asarray(z, np.float64)
    mean = rows.mean(0)
    _, sizes, axes = np.linalg.svd(rows - mean, full_matrices=False)
    std = sizes / np.sqrt(len(rows))
    rest = 1e-3 * std[0] + 1e-8
    wide = std > rest
    found = (mean, std[wide], axes[wide], np.asarray(rest))
    return CorrelatedRegion(*(jnp.asarray(values, jnp.float32) for values in found))


def line(a: Float[Any, "size"], b: Float[Any, "size"], steps: int) -> Float[Any, "step size"]:
    """Points at equal steps from `a` to `b`, both included: embeddings, or the parameters of networks."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return (1 - share) * a[None] + share * b[None]
