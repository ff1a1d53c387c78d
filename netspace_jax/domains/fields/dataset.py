"""Signed distance fields: a network holds one shape; networks are compared by their values at points."""

import dataclasses
from typing import Any, ClassVar, Literal

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.domains.fields.sampling import ShapeSet
from netspace_jax.errors import InputError
from netspace_jax.task import Batch, Split, register_task

# A value counts as right within this distance (arXiv 2206.05194, experiments on shapes).
TOLERANCE = 0.01
# Distances at which an encoder is told of the field: beyond them it matters little how far the surface is.
_NEAR = 0.1


@register_task
@dataclasses.dataclass(frozen=True)
class SignedDistance:
    """What networks that hold a shape compute: the signed distance of a point to its surface, negative inside."""

    input_shape: tuple[int, ...] = (3,)
    error: Literal["squared", "absolute"] = "squared"
    name: ClassVar[str] = "signed_distance"
    metric: ClassVar[str] = "within_0.01"

    @property
    def outputs(self) -> int:
        """One distance."""
        return 1

    def prepare(self, inputs: Shaped[Any, "n *input"]) -> Float[Array, "n 3"]:
        """Points as float32.

        Raises:
          InputError: they are of another shape.
        """
        if tuple(inputs.shape[1:]) != self.input_shape:
            raise InputError(f"points have shape {tuple(inputs.shape)}; these networks take (n, {self.input_shape[0]})")
        return jnp.asarray(inputs, jnp.float32)

    def describe(self, outputs: Float[Array, "probe 1"]) -> Float[Array, "features"]:
        """Distances, and their sign made soft (docs/method.md, eq. 5)."""
        values = outputs[:, 0]
        return jnp.concatenate([values / _NEAR, jnp.tanh(values / _NEAR)])

    def residual(self, wanted: Float[Array, "probe 1"], outputs: Float[Array, "probe 1"]) -> Float[Array, "residuals"]:
        """Difference of distances, in units of the tolerance, made soft beyond it."""
        return jnp.tanh((outputs - wanted)[:, 0] / TOLERANCE)

    def fit_loss(self, outputs: Float[Array, "batch 1"], targets: Float[Array, "batch"]) -> Float[Array, ""]:
        """Mean squared error to the signed distance."""
        return jnp.square(outputs[:, 0] - targets).mean()

    def imitation_loss(self, wanted: Float[Array, "batch 1"], outputs: Float[Array, "batch 1"]) -> Float[Array, ""]:
        """Mean error between the values of two networks, squared (docs/method.md, eq. 13) or absolute.

        The absolute one is rounded off below a hundredth of the unit, so that it has a gradient everywhere.
        """
        squares = jnp.square(wanted - outputs)
        return squares.mean() if self.error == "squared" else jnp.sqrt(squares + 1e-5).mean()

    def score(self, outputs: Float[Array, "batch 1"], targets: Float[Array, "batch"]) -> Float[Array, ""]:
        """Share of points whose value is within 0.01 of the signed distance."""
        return (jnp.abs(outputs[:, 0] - targets) <= TOLERANCE).mean()

    def agreement(self, wanted: Float[Array, "batch 1"], outputs: Float[Array, "batch 1"]) -> Float[Array, ""]:
        """Share of points at which two networks differ by at most 0.01."""
        return (jnp.abs(wanted - outputs) <= TOLERANCE).mean()


@flax.struct.dataclass
class FieldData:
    """A set of shapes on the device; each network is about one, so that each has points of its own.

    Rows are x, y, z, signed distance (negative inside), shuffled.

    Attributes:
      item: the shape that is asked about.
    """

    positive: Float[Array, "shape p 4"]
    negative: Float[Array, "shape p 4"]
    held_out: Float[Array, "shape q 4"]
    uniform: Float[Array, "shape u 4"]
    surface: Float[Array, "shape s 3"]
    item: Int[Array, ""] | int = 0
    task: SignedDistance = flax.struct.field(pytree_node=False, default=SignedDistance())
    shared: bool = flax.struct.field(pytree_node=False, default=False)

    @property
    def items(self) -> int:
        """Number of shapes."""
        return len(self.positive)

    def of(self, member: Int[Array, ""] | int) -> "FieldData":
        """The shape that a member is about; where there are more members than shapes, they are counted round."""
        return dataclasses.replace(self, item=member % self.items)

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """`size` training points, half outside and half inside: windows at random into shuffled rows."""
        keys = jax.random.split(jax.random.fold_in(key, step))
        half = size // 2

        def window(key, rows):
            start = jax.random.randint(key, (), 0, rows.shape[1] - half + 1)
            return jax.lax.dynamic_slice(rows, (self.item, start, 0), (1, half, 4))[0]

        rows = jnp.concatenate([window(keys[0], self.positive), window(keys[1], self.negative)])
        return Batch(rows[:, :3], rows[:, 3])

    def examples(self, split: Split) -> Batch:
        """Held-out points, the first half for validation and the second for test; for training, those of both signs."""
        if split == "train":
            rows = jnp.concatenate([self.positive[self.item], self.negative[self.item]])
        else:
            rows = self.held_out[self.item, {"validation": 0, "test": 1}[split] :: 2]
        return Batch(rows[:, :3], rows[:, 3])

    def probes(self, count: int) -> Float[Array, "probe 3"]:
        """Training points of many shapes, outside and inside in turn."""
        chosen = np.arange(count)
        shape, row = chosen // 2 % self.items, chosen // (2 * self.items) % self.positive.shape[1]
        points = jnp.where((chosen % 2 == 0)[:, None], self.positive[shape, row], self.negative[shape, row])
        return points[:, :3]

    def chance(self, split: Split) -> float:
        """Share of points within 0.01 of the constant that is best."""
        values = np.sort(np.asarray(self.examples(split).targets))
        return float(
            (np.searchsorted(values, values + 2 * TOLERANCE, "right") - np.arange(len(values))).max() / len(values)
        )


def field_data(shapes: ShapeSet) -> FieldData:
    """Put a set of shapes on the device."""
    return FieldData(
        positive=jnp.asarray(shapes.positive),
        negative=jnp.asarray(shapes.negative),
        held_out=jnp.asarray(shapes.held_out),
        uniform=jnp.asarray(shapes.uniform),
        surface=jnp.asarray(shapes.surface),
    )
