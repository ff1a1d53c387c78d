"""One network that came out of a space, ready to use."""

import dataclasses
import functools
from typing import Any

import jax
from jaxtyping import Array, Float, PyTree, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.task import Task


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """One network, ready to use.

    Attributes:
      architecture: what it is; where nobody asked for one, what the head reads in the embedding.
      task: what it computes, and how its inputs are normalised.
      flat: its parameters as one vector, in the order and layouts of `architecture.spec`.
      embedding: where in the space it was.
    """

    architecture: Architecture
    task: Task
    flat: Float[Array, "size"]
    embedding: Float[Array, "embedding"]

    @property
    def params(self) -> PyTree:
        """Its parameters as Flax has them, for `architecture.module.apply({"params": …}, x)`."""
        return unflatten(self.architecture.spec, self.flat)

    def __call__(self, inputs: Shaped[Any, "n *input"]) -> Float[Array, "n outputs"]:
        """Outputs for inputs: uint8 images, which are normalised as in training, or values that are normalised already.

        Raises:
          InputError: the inputs are not what the task takes.
        """
        return _apply(self.architecture, self.flat, self.task.prepare(inputs))

    def __repr__(self) -> str:
        return f"Network({self.architecture.name}, {self.architecture.size} parameters)"


@functools.partial(jax.jit, static_argnames="architecture")
def _apply(architecture: Architecture, flat: Float[Array, "size"], inputs: Float[Array, "n *input"]):
    return architecture.apply(flat, inputs)
