"""What a search in the latent space is for: values that say how well a generated network does.

A goal of one's own is any pytree with the two methods of `Goal`.
"""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.domains.images.dataset import Classification
from netspace_jax.task import Task

Network = Callable[[Float[Array, "n *input"]], Float[Array, "n outputs"]]


@runtime_checkable
class Goal(Protocol):
    """A pytree, so that it passes through jit; what it is made of may be traced."""

    def loss(self, network: Network, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """What the search minimises, on training inputs drawn by the step."""

    def merit(self, network: Network) -> Float[Array, ""]:
        """What the best embedding is chosen by, on validation inputs; higher is better."""


def _on_validation(task: Task, network: Network) -> Float[Array, ""]:
    examples = task.examples("validation", jnp.int32(0))
    return task.score(network(examples.inputs), examples.targets)


@flax.struct.dataclass
class Labels:
    """Do well by the labels alone."""

    task: Task
    batch: int = flax.struct.field(pytree_node=False, default=128)

    def loss(self, network: Network, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """Cross-entropy."""
        batch = self.task.sample(key, jnp.int32(0), step, self.batch)
        return self.task.fit_loss(network(batch.inputs), batch.targets)

    def merit(self, network: Network) -> Float[Array, ""]:
        """Accuracy on validation images."""
        return _on_validation(self.task, network)


@flax.struct.dataclass
class Distil:
    """Imitate a teacher and do well by the labels: the goal of the reference, where `label_weight` is 0 or 0.1.

    Attributes:
      flat: parameters of the teacher, of architecture `teacher`.
    """

    task: Task
    flat: Float[Array, "size"]
    teacher: Architecture = flax.struct.field(pytree_node=False)
    temperature: float = flax.struct.field(pytree_node=False, default=4.0)
    label_weight: float = flax.struct.field(pytree_node=False, default=0.1)
    batch: int = flax.struct.field(pytree_node=False, default=128)

    def loss(self, network: Network, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """(1 − label_weight)·KL(teacher ‖ network) + label_weight·cross-entropy, the KL without its factor T²."""
        batch = self.task.sample(key, jnp.int32(0), step, self.batch)
        outputs, wanted = network(batch.inputs), self.teacher.apply(self.flat, batch.inputs)
        imitation = self.task.imitation_loss(wanted, outputs, self.temperature) / self.temperature ** 2
        return (1 - self.label_weight) * imitation + self.label_weight * self.task.fit_loss(outputs, batch.targets)

    def merit(self, network: Network) -> Float[Array, ""]:
        """Accuracy on validation images."""
        return _on_validation(self.task, network)


@flax.struct.dataclass
class SomeClasses:
    """Tell some of the classes apart, whatever becomes of the others."""

    task: Classification
    classes: tuple[int, ...] = flax.struct.field(pytree_node=False)
    batch: int = flax.struct.field(pytree_node=False, default=128)

    def _logits(self, network, inputs):
        chosen = jnp.isin(jnp.arange(self.task.classes), jnp.array(self.classes))
        outputs = network(inputs)
        return jnp.where(jnp.broadcast_to(chosen, outputs.shape), outputs, -jnp.inf)

    def loss(self, network: Network, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """Cross-entropy among the classes, over their images."""
        batch = self.task.sample(key, jnp.int32(0), step, self.batch)
        own = jnp.isin(batch.targets, jnp.array(self.classes))
        log_p = jax.nn.log_softmax(self._logits(network, batch.inputs))
        right = jnp.take_along_axis(log_p, batch.targets[:, None], 1)[:, 0]
        return -jnp.where(own, right, 0).sum() / jnp.maximum(own.sum(), 1)

    def merit(self, network: Network) -> Float[Array, ""]:
        """Accuracy among the classes, over their validation images."""
        examples = self.task.examples("validation", jnp.int32(0))
        own = jnp.isin(examples.targets, jnp.array(self.classes))
        right = self._logits(network, examples.inputs).argmax(-1) == examples.targets
        return (own & right).sum() / jnp.maximum(own.sum(), 1)


@flax.struct.dataclass
class Points:
    """Pass through points of a shape, all of it or a part: values of the field are known there.

    Attributes:
      points: rows x, y, z, signed distance to fit.
      held_out: rows of the same kind that choose the best embedding.
    """

    points: Float[Array, "point 4"]
    held_out: Float[Array, "held 4"]

    def loss(self, network: Network, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """Mean squared error of the distance; the points are all seen in every step."""
        del key, step
        return jnp.square(network(self.points[:, :3])[:, 0] - self.points[:, 3]).mean()

    def merit(self, network: Network) -> Float[Array, ""]:
        """Minus the mean absolute error at held-out points."""
        return -jnp.abs(network(self.held_out[:, :3])[:, 0] - self.held_out[:, 3]).mean()


def points_from_surface(surface: Float[Array, "p 3"], normals: Float[Array, "p 3"], offset: float = 0.03) -> Points:
    """The goal of passing through a cloud of surface points with outward normals.

    Each point is fitted with two more, `offset` out along its normal and `offset` in, whose distances are plus and minus
    that (Carr et al. 2001); a fifth of the points is held out to choose by.
    """
    steps = jnp.array([0.0, offset, -offset])
    rows = surface[:, None] + steps[None, :, None] * normals[:, None]
    values = jnp.broadcast_to(steps[None, :, None], (len(surface), 3, 1))
    rows = jnp.concatenate([rows, values], -1)
    held = jnp.arange(len(surface)) % 5 == 0
    return Points(rows[~held].reshape(-1, 4), rows[held].reshape(-1, 4))


def within_budget(architectures: tuple[Architecture, ...], parameters: int) -> tuple[int, ...]:
    """Positions of the architectures that have at most so many parameters: those a search under a budget may be read as."""
    return tuple(kind for kind, architecture in enumerate(architectures) if architecture.size <= parameters)


