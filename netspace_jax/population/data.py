"""The data of a population as the zoo's training takes it: shared arrays, or rows of its own for each network."""

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree, Shaped

from netspace_jax.behaviour import Batch, Metric, Split, Supervised, SupervisedDataset
from netspace_jax.ops.shuffle import shuffled

Measure = Callable[[Array, Array], Array]
"""From outputs [batch, …] and targets [batch, …] of one network to one number."""


def cross_entropy(outputs: Float[Array, "batch classes"], targets: Int[Array, "batch"]) -> Float[Array, ""]:
    """Cross-entropy of logits against integer labels, averaged over inputs."""
    return optax.softmax_cross_entropy_with_integer_labels(outputs, targets).mean()


def accuracy(outputs: Float[Array, "batch classes"], targets: Int[Array, "batch"]) -> Float[Array, ""]:
    """Share of inputs whose largest logit is the label's."""
    return (outputs.argmax(-1) == targets).mean()


def squared_error(outputs: Float[Array, "batch ..."], targets: Float[Array, "batch ..."]) -> Float[Array, ""]:
    """Mean squared error; targets of one number may lack the last axis."""
    return jnp.square(outputs - targets.reshape(outputs.shape)).mean()


def explained(outputs: Float[Array, "batch ..."], targets: Float[Array, "batch ..."]) -> Float[Array, ""]:
    """R²: 1 less the squared error over the targets' variance."""
    return 1 - squared_error(outputs, targets) / (targets.var() + 1e-12)


@dataclasses.dataclass(frozen=True)
class Fit(Supervised):
    """What the networks of a population learn. They enter no space, so nothing compares two of them."""

    input_shape: tuple[int, ...]
    output_count: int
    loss: Measure
    measure: Measure
    name: ClassVar[str] = "fit"
    metric: ClassVar[Metric] = Metric("score")

    @property
    def outputs(self) -> int:
        """Size of the last axis of the outputs."""
        return self.output_count

    def fit_loss(self, outputs: Array, targets: Array) -> Float[Array, ""]:
        """The user's loss."""
        return self.loss(outputs, targets)

    def score(self, outputs: Array, targets: Array) -> Float[Array, ""]:
        """The user's score."""
        return self.measure(outputs, targets)


@flax.struct.dataclass
class PopulationData(SupervisedDataset):
    """The data of the networks that train together.

    Attributes:
      arrays: `inputs`, `targets`, `held_inputs`, `held_targets`, and `rows`, those of the inputs that a network trains
        on, where it does not train on all.
      own: names of the arrays whose first axis is the network.
      hyperparameters: of each network.
      first: the network that the first row of own arrays belongs to.
    """

    arrays: dict[str, Array]
    hyperparameters: dict[str, Float[Array, "network"]]
    first: Int[Array, ""]
    behaviour: Fit = flax.struct.field(pytree_node=False)
    own: tuple[str, ...] = flax.struct.field(pytree_node=False)

    @property
    def items(self) -> int:
        """Number of data sets."""
        return len(self.arrays[self.own[0]]) if self.own else 1

    def of(self, member: Int[Array, ""] | int) -> "PopulationData":
        """What ONE network trains on."""
        row = member - self.first
        arrays = {name: value[row] if name in self.own else value for name, value in self.arrays.items()}
        return dataclasses.replace(self, arrays=arrays, own=())

    def hyperparameters_of(self, member: Int[Array, ""]) -> PyTree:
        """The hyperparameters of ONE network."""
        return {name: values[member - self.first] for name, values in self.hyperparameters.items()}

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """A batch: an epoch goes once through all rows (but the last incomplete batch), in a new order each."""
        return self.take(self.draw(key, step, size))

    def draw(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Int[Array, "batch"]:
        """Which inputs a batch is of."""
        rows = self.arrays.get("rows")
        count = len(self.arrays["inputs"]) if rows is None else len(rows)
        size = min(size, count)
        epoch, batch = jnp.divmod(step, count // size)
        chosen = shuffled(jax.random.fold_in(key, epoch), batch * size + jnp.arange(size), count)
        return chosen if rows is None else rows[chosen]

    def take(self, drawn: Int[Array, "batch"]) -> Batch:
        """The inputs that were drawn, with their targets."""
        return Batch(self.arrays["inputs"][drawn], self.arrays["targets"][drawn])

    def examples(self, split: Split) -> Batch:
        """All training inputs, or those that networks are scored on."""
        prefix = "" if split == "train" else "held_"
        return Batch(self.arrays[f"{prefix}inputs"], self.arrays[f"{prefix}targets"])

    def probes(self, count: int) -> Shaped[Array, "probe *input"]:
        """The first training inputs."""
        return self.arrays["inputs"][jnp.arange(count) % len(self.arrays["inputs"])]

    def chance(self, split: Split) -> float:
        """Not known: scores may be of any kind."""
        del split
        return float("nan")
