"""The data that networks are trained and judged on: pytrees of arrays; methods are pure functions of ONE network's."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree, Shaped

from netspace_jax.behaviour import Behaviour
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import in_pieces

Split = Literal["train", "validation", "test"]


RunNetwork = Callable[[Shaped[Array, "n *input"]], Float[Array, "n *output"]]
"""From inputs to the outputs of one network."""


class Batch(NamedTuple):
    """Inputs of one network with their true targets, such as labels or distances."""

    inputs: Shaped[Array, "batch *input"]
    targets: Shaped[Array, "batch *target"]


@runtime_checkable
class Dataset(Protocol):
    """The data of a zoo, on the device: of one task that all members share, or of a task of each member's own."""

    @property
    def behaviour(self) -> Behaviour:
        """What networks learn from the data."""
        ...

    @property
    def items(self) -> int:
        """Number of tasks: 1 where all members share one."""
        ...

    def of(self, member: Int[Array, ""] | int) -> "Dataset":
        """The data of ONE network, the zoo's member of this index; the methods below are called on the result."""
        ...

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """The training batch of `size` inputs for a step, augmented."""
        ...

    def examples(self, split: Split) -> Batch:
        """Inputs of a split, not augmented, on which networks are compared; their targets where there are any."""
        ...

    def probes(self, count: int) -> Shaped[Array, "probe *input"]:
        """The first `count` of a fixed sequence of training inputs, on which the encoder observes a network: of one
        task inputs of its own; of the data as a whole inputs for networks of all tasks.
        """
        ...

    def score(self, network: RunNetwork, key: PRNGKeyArray, split: Split) -> Float[Array, ""]:
        """Value of the behaviour's metric for a network.

        Args:
          key: random key of what is drawn to score it, as an episode; data with true targets ignores it.
        """
        ...

    def chance(self, split: Split) -> float:
        """Score without learning: of the best constant answer, or of a random policy."""
        ...


class SupervisedDataset:
    """The part of a `Dataset` with true targets that is the same for all of them: its score."""

    def score(self: Any, network: RunNetwork, key: PRNGKeyArray, split: Split) -> Float[Array, ""]:
        """The behaviour's score of a network's outputs against the targets of a split."""
        del key
        inputs, targets = self.examples(split)
        return self.behaviour.score(in_pieces(network, inputs), targets)


@runtime_checkable
class IndexedDataset(Protocol):
    """Data that can say which inputs a batch is of before it fetches them: for many steps at once, before the first."""

    def draw(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> PyTree:
        """Indices, and whatever else the training batch of a step is made of; `take` of it is `sample`."""
        ...

    def take(self, drawn: PyTree) -> Batch:
        """The training batch of these indices."""
        ...


@runtime_checkable
class ImitationInputs(Protocol):
    """Data that knows where an imitation has to match ONE network best: near the surface of a shape, for example."""

    def imitation_inputs(self, count: int, seed: int) -> Shaped[Array, "n *input"]:
        """Training inputs on which an imitation is compared with its network: at most `count`, drawn by a seed."""
        ...


class DrawnExamples(NamedTuple):
    """Inputs of some examples as they might come, with a weight of 0 where they only fill up, and errors of answers."""

    inputs: Shaped[Array, "n *input"]
    weight: Float[Array, "n"]
    noise: Float[Array, "n answer"]


@runtime_checkable
class ExampleInputs(Protocol):
    """Data that knows how examples of ONE task come: from one side alone, or measured with an error, for example."""

    def example_inputs(self, key: PRNGKeyArray, most: int) -> DrawnExamples:
        """At most so many training inputs, on which a set encoder reads the task's network in a step of training."""
        ...


def draw(dataset: Dataset, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> PyTree:
    """Indices of a step's training batch, of data that has any; else the step."""
    return dataset.draw(key, step, size) if isinstance(dataset, IndexedDataset) else step


def take(dataset: Dataset, key: PRNGKeyArray, drawn: PyTree, size: int) -> Batch:
    """The training batch of what `draw` gave, as `dataset.sample` gives it."""
    return dataset.take(drawn) if isinstance(dataset, IndexedDataset) else dataset.sample(key, drawn, size)


def one_task(dataset: Dataset) -> bool:
    """Whether all members share one task, so that what is made of its data is the same for all networks."""
    return dataset.items == 1


def task_axis(dataset: Dataset) -> int | None:
    """The axis of networks in what is made of their data, as `jax.vmap` takes it; none where all share one task."""
    return None if one_task(dataset) else 0


def evaluation_key(member: Int[Array, ""] | int = 0) -> PRNGKeyArray:
    """The fixed key by which networks are scored whenever they are compared, folded by the member."""
    return key_of(0, Purpose.SCORE, member)
