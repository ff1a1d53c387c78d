"""A task says what the networks of a zoo compute, and how two of them are compared.

A new domain is one more module beside `classification` and one more branch of `load`.
"""

from typing import Literal, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Float, PRNGKeyArray, Shaped

Split = Literal["train", "validation", "test"]


class Batch(NamedTuple):
    """Inputs of one network, and what is true of them."""

    inputs: Float[Array, "batch *input"]
    targets: Shaped[Array, "batch *target"]


@runtime_checkable
class Task(Protocol):
    """Pure functions of one network over data that lies on the device; a pytree, so that it passes through jit.

    `item` is the index of what a network is about (a shape); a task whose networks all see the same data ignores
    it. `metric` names what `score` measures. `batch_axis` is None for such tasks, and 0 where each network has inputs of its own: the axis over which
    `vmap` takes a `Batch` when many networks are compared.
    """

    metric: str
    batch_axis: int | None
    items: int

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""

    @property
    def outputs(self) -> int:
        """Number of outputs for one input."""

    def sample(self, key: PRNGKeyArray, item: Array, step: Array, size: int) -> Batch:
        """The training batch of a step, augmented."""

    def examples(self, split: Split, item: Array) -> Batch:
        """All inputs of a split, as they are."""

    def probes(self, count: int) -> Float[Array, "probe *input"]:
        """Training inputs that show what a network does; the first of a longer list are the shorter list."""

    def describe(self, outputs: Float[Array, "probe outputs"]) -> Float[Array, "features"]:
        """What an encoder is told of a network's outputs on the probes."""

    def fit_loss(self, outputs: Float[Array, "batch outputs"], targets: Shaped[Array, "batch *target"]) -> Float[Array, ""]:
        """Loss of one network against what is true."""

    def imitation_loss(self, wanted: Float[Array, "batch outputs"], outputs: Float[Array, "batch outputs"],
                       temperature: float) -> Float[Array, ""]:
        """Loss of one network's outputs against another's."""

    def score(self, outputs: Float[Array, "batch outputs"], targets: Shaped[Array, "batch *target"]) -> Float[Array, ""]:
        """How good outputs are, between 0 and 1: accuracy, or the share of values near the true ones."""

    def agreement(self, wanted: Float[Array, "batch outputs"], outputs: Float[Array, "batch outputs"]) -> Float[Array, ""]:
        """Share of inputs on which two networks say the same."""
