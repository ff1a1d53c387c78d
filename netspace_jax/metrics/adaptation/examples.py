"""Examples of tasks: those of a new task, and of all training tasks together."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.behaviour import Supervised, as_supervised
from netspace_jax.dataset import Batch, Dataset, Split, SupervisedDataset
from netspace_jax.errors import InputError


def drawn_examples(key: PRNGKeyArray, data: Dataset, most: int) -> Batch:
    """`most` examples of ONE task without replacement, of inputs that no member trained on."""
    inputs, targets = data.examples("validation")
    rows = jax.random.permutation(key, len(inputs))[:most]
    return Batch(inputs[rows], targets[rows])


def weights_of(counts: tuple[int, ...]) -> Float[np.ndarray, "count example"]:
    """For each number of examples the weights that have the first so many count."""
    return (np.arange(max(counts)) < np.array(counts)[:, None]).astype(np.float32)


def check_examples(dataset: Dataset, counts: tuple[int, ...]) -> None:
    """Refuse more examples than a task has.

    Raises:
      InputError: none are asked for, or too many; or there are no true targets.
    """
    as_supervised(dataset.behaviour)
    if not counts:
        raise InputError("--examples takes at least one number of examples")
    there = len(jax.eval_shape(lambda: dataset.of(0).examples("validation")).inputs)
    if max(counts) > there:
        raise InputError(f"--examples {max(counts)} is more than the {there} validation examples that a task has")


@flax.struct.dataclass
class AllTasks(SupervisedDataset):
    """All training tasks as one: each input of a batch is of a task of its own.

    Attributes:
      members: indices of the zoo's members whose tasks these are.
    """

    data: Any
    members: Int[Array, "task"]

    @property
    def behaviour(self) -> Supervised:
        """That of the data."""
        return self.data.behaviour

    @property
    def items(self) -> int:
        """One: all tasks together."""
        return 1

    def of(self, member: Int[Array, ""] | int) -> "AllTasks":
        """The same for every network."""
        del member
        return self

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """A batch of training inputs, each of a task that is drawn."""
        return self.draw_with_members(jax.random.fold_in(key, step), size)[1]

    def draw_with_members(self, key: PRNGKeyArray, size: int) -> tuple[Int[Array, "batch"], Batch]:
        """Training inputs, each with the row, in `members`, of its task."""
        rows_key, key = jax.random.split(key)
        rows = jax.random.randint(rows_key, (size,), 0, len(self.members))
        keys = jax.random.split(key, size)
        one = jax.vmap(lambda row, key: self.data.of(self.members[row]).sample(key, jnp.int32(0), 1))
        return rows, jax.tree.map(lambda leaf: leaf[:, 0], one(rows, keys))

    def examples(self, split: Split) -> Batch:
        """Inputs of the first task; networks for all tasks are scored on each task apart."""
        return self.data.of(self.members[0]).examples(split)

    def probes(self, count: int) -> Array:
        """Those of the data."""
        return self.data.probes(count)

    def chance(self, split: Split) -> float:
        """That of the data."""
        return self.data.chance(split)
