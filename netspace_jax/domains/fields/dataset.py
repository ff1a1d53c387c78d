"""Signed distance fields: a network holds one shape; networks are compared by their values at points."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.domains.fields.sampling import ShapeSet
from netspace_jax.task import Batch, Split

# A value counts as right within this distance (reference, section What is evaluated).
TOLERANCE = 0.01
# Distances at which an encoder is told of the field: beyond them it matters little how far the surface is.
_NEAR = 0.1


@flax.struct.dataclass
class Fields:
    """The task of a set of shapes: one shape for each network, so that each has points of its own.

    Rows are x, y, z, signed distance (negative inside), shuffled.
    """

    positive: Float[Array, "shape p 4"]
    negative: Float[Array, "shape p 4"]
    held_out: Float[Array, "shape q 4"]
    uniform: Float[Array, "shape u 4"]
    surface: Float[Array, "shape s 3"]
    metric: str = flax.struct.field(pytree_node=False, default="within_0.01")
    batch_axis: int = flax.struct.field(pytree_node=False, default=0)

    @property
    def items(self) -> int:
        return len(self.positive)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (3,)

    @property
    def outputs(self) -> int:
        return 1

    def sample(self, key: PRNGKeyArray, item: Int[Array, ""], step: Int[Array, ""], size: int) -> Batch:
        """`size` training points of a shape, half outside and half inside: windows at random into shuffled rows."""
        keys = jax.random.split(jax.random.fold_in(key, step))
        half = size // 2

        def window(key, rows):
            start = jax.random.randint(key, (), 0, rows.shape[1] - half + 1)
            return jax.lax.dynamic_slice(rows, (item, start, 0), (1, half, 4))[0]

        rows = jnp.concatenate([window(keys[0], self.positive), window(keys[1], self.negative)])
        return Batch(rows[:, :3], rows[:, 3])

    def examples(self, split: Split, item: Int[Array, ""]) -> Batch:
        """Held-out points of a shape, the first half for validation and the second for test; training points for train."""
        rows = {"train": self.positive, "validation": self.held_out[:, ::2], "test": self.held_out[:, 1::2]}[split][item]
        return Batch(rows[:, :3], rows[:, 3])

    def probes(self, count: int) -> Float[Array, "probe 3"]:
        """Training points of many shapes, outside and inside in turn."""
        chosen = np.arange(count)
        shape, row = chosen // 2 % self.items, chosen // (2 * self.items) % self.positive.shape[1]
        points = jnp.where((chosen % 2 == 0)[:, None], self.positive[shape, row], self.negative[shape, row])
        return points[:, :3]

    def describe(self, outputs: Float[Array, "probe 1"]) -> Float[Array, "features"]:
        """Distances, and their sign made soft."""
        values = outputs[:, 0]
        return jnp.concatenate([values / _NEAR, jnp.tanh(values / _NEAR)])

    def fit_loss(self, outputs: Float[Array, "batch 1"], targets: Float[Array, "batch"]) -> Float[Array, ""]:
        """Mean squared error to the signed distance."""
        return jnp.square(outputs[:, 0] - targets).mean()

    def imitation_loss(self, wanted: Float[Array, "batch 1"], outputs: Float[Array, "batch 1"],
                       temperature: float) -> Float[Array, ""]:
        """Mean squared error between the values of two networks; there is no temperature."""
        del temperature
        return jnp.square(wanted - outputs).mean()

    def score(self, outputs: Float[Array, "batch 1"], targets: Float[Array, "batch"]) -> Float[Array, ""]:
        """Share of points whose value is within 0.01 of the signed distance."""
        return (jnp.abs(outputs[:, 0] - targets) <= TOLERANCE).mean()

    def agreement(self, wanted: Float[Array, "batch 1"], outputs: Float[Array, "batch 1"]) -> Float[Array, ""]:
        """Share of points at which two networks differ by at most 0.01."""
        return (jnp.abs(wanted - outputs) <= TOLERANCE).mean()


def fields(shapes: ShapeSet) -> Fields:
    """Put a set of shapes on the device."""
    return Fields(*(jnp.asarray(rows) for rows in (shapes.positive, shapes.negative, shapes.held_out, shapes.uniform,
                                                 shapes.surface)))
