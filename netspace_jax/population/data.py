"""The data of a population: arrays that all networks have in common, and arrays with an entry for each network."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.behaviour import Metric, Supervised
from netspace_jax.dataset import Batch, Split, SupervisedDataset
from netspace_jax.ops.shuffle import batch_of_epoch

Measure = Callable[[Array, Array], Array]
"""From outputs [batch, …] and targets [batch, …] of one network to one number."""
Values = Shaped[Array | np.ndarray, "..."] | Sequence[Any]


def cross_entropy(outputs: Float[Array, "batch classes"], targets: Int[Array, "batch"]) -> Float[Array, ""]:
    """Cross-entropy of logits against integer labels, averaged over inputs."""
    return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()


def accuracy(outputs: Float[Array, "batch classes"], targets: Int[Array, "batch"]) -> Float[Array, ""]:
    """Share of inputs whose largest logit is the label's."""
    return (outputs.argmax(-1) == targets).mean()


def squared_error(outputs: Float[Array, "batch ..."], targets: Float[Array, "batch ..."]) -> Float[Array, ""]:
    """Mean squared error; targets of one number may lack the last axis."""
    return jnp.square(outputs - targets.reshape(outputs.shape)).mean()


def r2_score(outputs: Float[Array, "batch ..."], targets: Float[Array, "batch ..."]) -> Float[Array, ""]:
    """R²: 1 less the squared error over the targets' variance."""
    return 1 - squared_error(outputs, targets) / (targets.var() + 1e-12)


@dataclasses.dataclass(frozen=True)
class LossAndScore(Supervised):
    """What the networks of a population learn. They enter no space, so nothing compares two of them."""

    input_shape: tuple[int, ...]
    loss: Measure
    measure: Measure
    name: ClassVar[str] = "fit"
    metric: ClassVar[Metric] = Metric("score", low=-float("inf"), high=float("inf"))

    def fit_loss(self, outputs: Array, targets: Array) -> Float[Array, ""]:
        """The user's loss."""
        return self.loss(outputs, targets)

    def score(self, outputs: Array, targets: Array) -> Float[Array, ""]:
        """The user's score; NaN where an output is not finite."""
        return jnp.where(jnp.isfinite(outputs).all(), self.measure(outputs, targets), jnp.nan)


@flax.struct.dataclass
class PopulationData(SupervisedDataset):
    """The data of networks that train together.

    Attributes:
      common: arrays by name: `inputs`, `targets`, `held_inputs`, `held_targets` (those that networks are scored on),
        and `rows` where a network trains on some of the inputs only.
      own: those of these arrays whose first axis is the network.
    """

    common: dict[str, Any]
    own: dict[str, Any]
    hyperparameters: dict[str, Any]
    behaviour: LossAndScore = flax.struct.field(pytree_node=False)

    @property
    def items(self) -> int:
        """Number of data sets."""
        return len(next(iter(self.own.values()))) if self.own else 1

    def of(self, member: Int[Array, ""] | int) -> "PopulationData":
        """The data and hyperparameters of ONE network."""
        own, hyperparameters = jax.tree.map(lambda values: values[member], (self.own, self.hyperparameters))
        return dataclasses.replace(self, common={**self.common, **own}, own={}, hyperparameters=hyperparameters)

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """A batch: an epoch goes once through all rows (but the last incomplete batch), in a new order each."""
        return self.take(self.draw(key, step, size))

    def draw(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Int[Array, "batch"]:
        """Indices of a batch's inputs."""
        rows = self.common.get("rows")
        count = len(self.common["inputs"]) if rows is None else len(rows)
        chosen = batch_of_epoch(key, step, size, count)
        return chosen if rows is None else rows[chosen]

    def take(self, drawn: Int[Array, "batch"]) -> Batch:
        """The inputs of these indices, with their targets."""
        return Batch(self.common["inputs"][drawn], self.common["targets"][drawn])

    def examples(self, split: Split) -> Batch:
        """All training inputs, or those that networks are scored on."""
        prefix = "" if split == "train" else "held_"
        return Batch(self.common[f"{prefix}inputs"], self.common[f"{prefix}targets"])

    def probes(self, count: int) -> Shaped[Array, "probe *input"]:
        """The first training inputs."""
        return self.common["inputs"][jnp.arange(count) % len(self.common["inputs"])]

    def chance(self, split: Split) -> float:
        """Not known: scores may be of any kind."""
        del split
        return float("nan")
