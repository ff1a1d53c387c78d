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


def region_of(z: Float[Any, "network embedding"]) -> Region:
    """The region of some embeddings; a direction in which they hardly differ counts as a thousandth of the widest."""
    std = np.asarray(z).std(0)
    return Region(jnp.asarray(np.mean(z, 0)), jnp.asarray(np.maximum(std, 1e-3 * std.max() + 1e-8)))


def line(a: Float[Any, "size"], b: Float[Any, "size"], steps: int) -> Float[Any, "step size"]:
    """Points at equal steps from `a` to `b`, both included: embeddings, or the parameters of networks."""
    share = np.linspace(0, 1, steps, dtype=np.float32)[:, None]
    return (1 - share) * a[None] + share * b[None]
