"""What a search among networks that hold shapes is for."""

import flax.struct
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.latent.objectives import RunNetwork


@flax.struct.dataclass
class Points:
    """Pass through points of a shape, all of it or a part: values of the field are known there.

    Attributes:
      points: rows x, y, z, signed distance to fit.
      held_out: rows of the same kind that choose the best embedding.
    """

    points: Float[Array, "point 4"]
    held_out: Float[Array, "held 4"]

    def loss(self, network: RunNetwork, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """Mean squared error of the distance; the points are all seen in every step."""
        del key, step
        return jnp.square(network(self.points[:, :3])[:, 0] - self.points[:, 3]).mean()

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """Minus the mean absolute error at held-out points."""
        return -jnp.abs(network(self.held_out[:, :3])[:, 0] - self.held_out[:, 3]).mean()
