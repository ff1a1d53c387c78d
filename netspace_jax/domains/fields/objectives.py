"""What a search among networks that hold fields is for."""

import flax.struct
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.latent.objectives import RunNetwork


def squared_error(network: RunNetwork, rows: Float[Array, "n d_and_c"], channels: int) -> Float[Array, ""]:
    """Mean squared error of a network's values at rows of d coordinates and c true values."""
    return jnp.square(network(rows[:, :-channels]) - rows[:, -channels:]).mean()


@flax.struct.dataclass
class Points:
    """Pass through samples of a field, all of it or a part: its values are known there.

    Attributes:
      points: rows of d coordinates and c values to fit.
      held_out: rows of the same kind that choose the best embedding.
      channels: c.
    """

    points: Float[Array, "point d_and_c"]
    held_out: Float[Array, "held d_and_c"]
    channels: int = flax.struct.field(pytree_node=False, default=1)

    def loss(self, network: RunNetwork, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """Mean squared error of the values; the points are all seen in every step."""
        del key, step
        return squared_error(network, self.points, self.channels)

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """Minus the mean absolute error at held-out points."""
        coordinates, values = self.held_out[:, : -self.channels], self.held_out[:, -self.channels :]
        return -jnp.abs(network(coordinates) - values).mean()
