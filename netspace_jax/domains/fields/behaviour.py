"""The behaviour of networks that hold a field: two of them are compared by their values at coordinates.

A network maps d coordinates to c values. A shape, a picture and a signal are fields that differ in what a value is: its
unit, and how near two values have to be to count as the same.
"""

import dataclasses
from typing import ClassVar, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from netspace_jax.behaviour import Metric, Supervised, register_behaviour


def within(tolerance: float) -> Metric:
    """The share of values that are right within a tolerance."""
    return Metric(
        f"within_{tolerance:g}", f"share of values within {tolerance:g}", agreement=f"differ by at most {tolerance:g}"
    )


@dataclasses.dataclass(frozen=True)
class Field(Supervised):
    """The behaviour that all kinds of field have in common.

    Attributes:
      channels: c, values at one coordinate.
      error: the error between the values of two networks whose mean is minimised; squared in the paper.
      tolerance: a value counts as right within this distance.
      surface_share: of the points of refinement, so many come from the third whose values are nearest to 0.
    """

    input_shape: tuple[int, ...] = (1,)
    channels: int = 1
    error: Literal["squared", "absolute"] = "squared"
    name: ClassVar[str]
    tolerance: ClassVar[float]
    unit: ClassVar[float]
    surface_share: ClassVar[float] = 0.0

    @property
    def outputs(self) -> int:
        """Values at one coordinate."""
        return self.channels

    def describe(self, outputs: Float[Array, "probe c"]) -> Float[Array, "features"]:
        """Values at the probes, in their unit."""
        return (outputs / self.unit).reshape(-1)

    def residual(
        self, target_outputs: Float[Array, "probe c"], outputs: Float[Array, "probe c"]
    ) -> Float[Array, "residuals"]:
        """Difference of values, in units of the tolerance, made soft beyond it."""
        return jnp.tanh((outputs - target_outputs) / self.tolerance).reshape(-1)

    def fit_loss(self, outputs: Float[Array, "batch c"], targets: Float[Array, "batch c"]) -> Float[Array, ""]:
        """Mean squared error to the true values."""
        return jnp.square(outputs - targets).mean()

    def imitation_loss(
        self, target_outputs: Float[Array, "batch c"], outputs: Float[Array, "batch c"]
    ) -> Float[Array, ""]:
        """Mean error between the values of two networks, squared (docs/method.md, eq. 13) or absolute.

        The absolute one is rounded off below a hundredth of the unit, so that it has a gradient everywhere.
        """
        squares = jnp.square(target_outputs - outputs)
        return squares.mean() if self.error == "squared" else jnp.sqrt(squares + 1e-5).mean()

    def score(self, outputs: Float[Array, "batch c"], targets: Float[Array, "batch c"]) -> Float[Array, ""]:
        """Share of values within the tolerance of the true ones."""
        return (jnp.abs(outputs - targets) <= self.tolerance).mean()

    def agreement(self, target_outputs: Float[Array, "batch c"], outputs: Float[Array, "batch c"]) -> Float[Array, ""]:
        """Share of values in which two networks differ by at most the tolerance."""
        return (jnp.abs(target_outputs - outputs) <= self.tolerance).mean()


@register_behaviour
@dataclasses.dataclass(frozen=True)
class SignedDistance(Field):
    """The signed distance of a point to the surface of a shape, negative inside (arXiv 2206.05194, shapes)."""

    input_shape: tuple[int, ...] = (3,)
    name: ClassVar[str] = "signed_distance"
    metric: ClassVar[Metric] = within(0.01)
    tolerance: ClassVar[float] = 0.01
    unit: ClassVar[float] = 0.1  # beyond it matters little how far the surface is
    surface_share: ClassVar[float] = 1 / 3  # the surface is what a shape is used for

    def describe(self, outputs: Float[Array, "probe c"]) -> Float[Array, "features"]:
        """Distances, and their sign made soft (docs/method.md, eq. 5)."""
        values = super().describe(outputs)
        return jnp.concatenate([values, jnp.tanh(values)])


@register_behaviour
@dataclasses.dataclass(frozen=True)
class Picture(Field):
    """The brightness of each channel at a point (row, column) of a picture, from -1 for black to 1 for white."""

    input_shape: tuple[int, ...] = (2,)
    name: ClassVar[str] = "picture"
    metric: ClassVar[Metric] = within(0.05)
    tolerance: ClassVar[float] = 0.05
    unit: ClassVar[float] = 1.0


@register_behaviour
@dataclasses.dataclass(frozen=True)
class Signal(Field):
    """The value of each channel of a signal at an instant; instants run from -1 to 1, and values are of order 1."""

    name: ClassVar[str] = "signal"
    metric: ClassVar[Metric] = within(0.05)
    tolerance: ClassVar[float] = 0.05
    unit: ClassVar[float] = 1.0
