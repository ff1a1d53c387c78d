"""Rows of many tasks on the device, one after another: each network has those of its own task."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.dataset import Batch, Split, SupervisedDataset
from netspace_jax.domains.tables.behaviour import RowClassification, RowRegression
from netspace_jax.domains.tables.config import TableZooConfig

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
MOST_EXAMPLES = 1024
"""Rows of a split of one task on which networks are compared; all train."""


@flax.struct.dataclass
class TableData(SupervisedDataset):
    """Rows of all tasks; those of one task and split lie together, in an order that was drawn once.

    Tasks have unequal numbers of rows, and what is made for many networks at once has one shape. So `examples` gives
    the same number of rows for every task, that of the largest: a smaller one's are counted round, each equally often
    but for one time more.

    Attributes:
      starts, counts: of each task and split, where its rows begin and how many they are.
      lengths: rows that `examples` gives of each split.
    """

    inputs: Float[Array, "row inputs"]
    targets: Shaped[Array, "row"]
    starts: Int[Array, "task split"]
    counts: Int[Array, "task split"]
    behaviour: RowRegression | RowClassification = flax.struct.field(pytree_node=False)
    lengths: tuple[int, ...] = flax.struct.field(pytree_node=False)
    item: Int[Array, ""] | int = 0

    @property
    def items(self) -> int:
        """Number of tasks."""
        return len(self.starts)

    def of(self, member: Int[Array, ""] | int) -> "TableData":
        """The task of a member; where there are more members than tasks, they are counted round."""
        return dataclasses.replace(self, item=member % self.items)

    def draw(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Int[Array, "size"]:
        """Rows of the task's training split, drawn with replacement."""
        drawn = jax.random.randint(jax.random.fold_in(key, step), (size,), 0, self.counts[self.item, 0])
        return self.starts[self.item, 0] + drawn

    def take(self, drawn: Int[Array, "size"]) -> Batch:
        """The rows of these numbers."""
        return Batch(self.inputs[drawn], self.targets[drawn])

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """`size` training rows."""
        return self.take(self.draw(key, step, size))

    def examples(self, split: Split) -> Batch:
        """The rows of a split, those of a small task counted round."""
        place = SPLITS.index(split)
        numbers = jnp.arange(self.lengths[place]) % self.counts[self.item, place]
        return self.take(self.starts[self.item, place] + numbers)

    def probes(self, count: int) -> Float[Array, "probe inputs"]:
        """Training rows of all tasks in turn."""
        numbers = jnp.arange(count)
        task, turn = numbers % self.items, numbers // self.items
        return self.inputs[self.starts[task, 0] + turn % self.counts[task, 0]]

    def rows(self, item: int, split: Split) -> Batch:
        """All rows of one task and split, each once."""
        place = SPLITS.index(split)
        start = int(self.starts[item, place])
        return self.take(jnp.arange(start, start + int(self.counts[item, place])))

    def chance(self, split: Split) -> float:
        """Score of the constant that is best for the task: its mean, or its commonest class."""
        targets = np.asarray(self.examples(split).targets)
        if isinstance(self.behaviour, RowRegression):
            return float(1 - targets.var() / self.behaviour.std**2)
        return float(np.bincount(targets).max() / len(targets))


def row_order(
    tasks: Int[np.ndarray, "row"], config: TableZooConfig
) -> tuple[Int[np.ndarray, "row"], Int[np.ndarray, "task split"]]:
    """The order in which rows of one task and split lie together, and how many each has; drawn by the zoo's seed.

    Args:
      tasks: number of each row's task, from 0 without gaps; each has at least 3.
    """
    random = np.random.default_rng(config.seed)
    order = np.lexsort((random.random(len(tasks)), tasks))
    sizes = np.bincount(tasks)
    validation, test = (
        np.maximum((sizes * share).astype(int), 1) for share in (config.validation_rows, config.test_rows)
    )
    return order, np.stack([sizes - validation - test, validation, test], 1)
