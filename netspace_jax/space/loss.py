"""What NetSpace is trained to minimise: the behaviour of generated networks (reference, section Training the embedding)."""

import dataclasses
from collections.abc import Callable

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from netspace_jax.config import NetSpaceConfig
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.task import Batch, Task


@flax.struct.dataclass
class Shown:
    """Networks of one architecture that one step is about, and what they are about."""

    flats: Float[Array, "network size"]
    items: Int[Array, "network"]


@flax.struct.dataclass
class Losses:
    """The terms of one step, each a mean over networks; `total` is what is minimised."""

    total: Float[Array, ""]
    behaviour: Float[Array, ""]
    architecture: Float[Array, ""]
    interpolation: Float[Array, ""]


@dataclasses.dataclass(frozen=True)
class Objective:
    """The loss of one step over a batch of networks grouped by architecture.

    Attributes:
      kinds: positions, in the NetSpace's architectures, of those whose networks are shown.
      teacher: from inputs to the outputs of the common teacher, or None where each network is its own.
    """

    netspace: NetSpace
    config: NetSpaceConfig
    kinds: tuple[int, ...]

    def __call__(self, params: PyTree, constants: Constants, task: Task, shown: tuple[Shown, ...], key: PRNGKeyArray,
                 step: Int[Array, ""], teacher: Callable[[Array], Array] | None) -> tuple[Float[Array, ""], Losses]:
        """Loss and its terms.

        Args:
          shown: for each of `kinds`, the step's networks, the same number of each.
        """
        zero = jnp.zeros(())
        behaviour, architecture, interpolation = zero, zero, zero
        embeddings, wanted = {}, {}
        count = len(shown[0].items) * len(shown)
        batches = dict(zip(self.kinds, sample(task, key, step, shown, self.config.batch), strict=True))
        taught = teacher(batches[self.kinds[0]].inputs) if teacher else None
        for kind, networks in zip(self.kinds, shown, strict=True):
            z = jax.vmap(lambda flat, kind=kind: self.netspace.encode(params, constants, task, flat, kind))(networks.flats)
            embeddings[kind] = z
            wanted[kind] = taught if teacher else self._outputs(task, networks.flats, batches[kind], kind)
            behaviour += self._behaviour(params, constants, task, z, kind, batches[kind], wanted[kind]) / count
            architecture += self._architecture(params, z, kind) / count
        if self.config.interpolation:
            for low, high in boundary_pairs(len(self.netspace.architectures)):
                for between in range(low + 1, high):
                    share = (between - low) / (high - low)

                    def mix(a, b, share=share):
                        return (1 - share) * a + share * b

                    z = mix(embeddings[low], embeddings[high])
                    target = wanted[low] if teacher else mix(wanted[low], wanted[high])
                    interpolation += (self._behaviour(params, constants, task, z, between, batches[low], target)
                                      + self._architecture(params, z, between)) / count
        total = behaviour + architecture + interpolation
        return total, Losses(total, behaviour, architecture, interpolation)

    def _outputs(self, task, flats, batch, kind):
        return jax.vmap(self.netspace.architectures[kind].apply, (0, task.batch_axis))(flats, batch.inputs)

    def _behaviour(self, params, constants, task, z, kind, batch: Batch, wanted) -> Float[Array, ""]:
        """Sum over networks of how far what embeddings generate is from what is wanted of them."""
        flats = jax.vmap(lambda z: self.netspace.decode(params, constants, z, kind))(z)
        outputs = self._outputs(task, flats, batch, kind)
        if self.config.teaching == "self":
            return jax.vmap(task.imitation_loss, (0, 0, None))(wanted, outputs, self.config.temperature).sum()
        weight = self.config.label_weight
        imitation = jax.vmap(task.imitation_loss, (None, 0, None))(wanted, outputs, self.config.temperature)
        labels = jax.vmap(task.fit_loss, (0, task.batch_axis))(outputs, batch.targets)
        return ((1 - weight) * imitation + weight * labels).sum()

    def _architecture(self, params, z, kind) -> Float[Array, ""]:
        if len(self.netspace.architectures) == 1:
            return jnp.zeros(())
        logits = jax.vmap(lambda z: self.netspace.classify(params, z))(z)
        return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.full(len(z), kind)).sum()


def boundary_pairs(architectures: int) -> tuple[tuple[int, int], ...]:
    """Pairs of class ids whose embeddings are interpolated: those further apart than max(1, A − 2).

    The reference reads what it interpolates as the architecture that its head predicts, an argmax; here it is read
    as the known class in between, so that shapes are static.
    """
    least = max(1, architectures - 2)
    return tuple((low, high) for low in range(architectures) for high in range(low + 1, architectures) if high - low > least)


def sample(task: Task, key: PRNGKeyArray, step: Int[Array, ""], shown: tuple[Shown, ...], size: int) -> list[Batch]:
    """The step's training batch for each group of networks: one for all, or one for each network, as the task has it."""
    if task.batch_axis is None:
        return [task.sample(key, shown[0].items[0], step, size)] * len(shown)
    batches = []
    for group_key, networks in zip(jax.random.split(key, len(shown)), shown, strict=True):
        keys = jax.random.split(group_key, len(networks.items))
        batches.append(jax.vmap(lambda key, item: task.sample(key, item, step, size))(keys, networks.items))
    return batches
