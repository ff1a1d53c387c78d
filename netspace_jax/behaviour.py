"""Small protocols that a domain implements: what networks compute, and the data that they are trained and judged on.

A `Behaviour` is static and holds no data; it is saved with a space. A `Dataset` is a pytree of arrays, so it can be an
argument of a jitted function. The methods of both are pure functions of ONE network.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree, Shaped

from netspace_jax import architectures
from netspace_jax.architectures import Architecture
from netspace_jax.errors import InputError
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import in_pieces

Split = Literal["train", "validation", "test"]

RunNetwork = Callable[[Shaped[Array, "n *input"]], Float[Array, "n *output"]]
"""From inputs to the outputs of one network."""


class Batch(NamedTuple):
    """Inputs of one network with their true targets, such as labels or distances."""

    inputs: Shaped[Array, "batch *input"]
    targets: Shaped[Array, "batch *target"]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A score: how good one network is at its task. More is better; an error counts with its sign turned.

    Attributes:
      name: in files of metrics, such as `accuracy`.
      title: on axes and in sentences; by default the name.
      low, high: least and greatest score that can be; infinite where there is no bound.
      unit: of scores, such as `dB`; empty for shares.
      agreement: in sentences, what two networks do on an input on which they agree.
    """

    name: str
    title: str = ""
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    agreement: str = "give the same answer"

    def __post_init__(self):
        if not self.title:
            object.__setattr__(self, "title", self.name.replace("_", " "))

    def __str__(self) -> str:
        return self.name

    @property
    def span(self) -> float:
        """What shares of a score are shares of: the distance of its bounds, or 1 in its unit where there are none."""
        return self.high - self.low if math.isfinite(self.high - self.low) else 1.0


class Behaviour:
    """What networks of one kind compute, and how two of them are compared.

    A frozen dataclass whose fields JSON can hold; `register_behaviour` makes it known by its name. Only `agreement` and
    the class variables have to be given; outputs are floats of any shape, whose last axis has `outputs` values.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]
    name: ClassVar[str]
    """Name of the behaviour in the description of a saved space."""
    metric: ClassVar[Metric]
    """The score of its networks."""
    input_dtype: ClassVar[str] = "float32"
    """Data type of inputs; tokens are integers."""
    input_shape: tuple[int, ...]
    """Shape of one input."""
    inputs_in_words: ClassVar[str] = "values as they are"
    """Inputs before they are normalised, for the card of an exported network."""

    @property
    def normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel, by which inputs are normalised; empty where they are not."""
        return (), ()

    @property
    def outputs(self) -> int:
        """Size of the last axis of the outputs: classes, channels, actions."""
        return 1

    @property
    def outputs_in_words(self) -> str:
        """Outputs, for the card of an exported network."""
        return f"{self.outputs} values for each input, scored by {self.metric}"

    def architecture(self, name: str) -> Architecture:
        """The architecture of a name for these inputs and outputs.

        Raises:
          InputError: no architecture has that name, or it takes no such inputs.
        """
        return architectures.build(name, self.input_shape, self.outputs, self.input_dtype)

    def prepare(self, inputs: Shaped[Any, "n *input"]) -> Shaped[Array, "n *input"]:
        """A user's inputs as networks take them.

        Raises:
          InputError: the inputs have another shape than the behaviour's.
        """
        if tuple(inputs.shape[1:]) != self.input_shape:
            shape = ", ".join(("n", *map(str, self.input_shape)))
            raise InputError(f"inputs have shape {tuple(inputs.shape)}; these networks take ({shape})")
        return jnp.asarray(inputs, self.input_dtype)

    def describe(self, outputs: Float[Array, "probe *output"]) -> Float[Array, "features"]:
        """Description of a network for the encoder, from its outputs on the probe inputs."""
        return outputs.reshape(-1)

    def answers(self, outputs: Float[Array, "n *output"]) -> Float[Array, "n answer"]:
        """A network's outputs as the answers that a set encoder reads: by default as they are, each as one row."""
        return outputs.reshape(len(outputs), -1)

    def answer_losses(self, outputs: Float[Array, "n *output"], answers: Float[Array, "n answer"]) -> Float[Array, "n"]:
        """Loss of each output against the answer that is wanted: by default the mean squared difference."""
        return jnp.square(self.answers(outputs) - answers).mean(-1)

    def information(self, outputs: Float[Array, "n *output"]) -> Float[Array, ""]:
        """How much a network's outputs tell of inputs whose targets are not known; more is a network that knows them.

        Raises:
          InputError: nothing can be said of such networks without targets.
        """
        raise InputError(f"{self.name}: without targets nothing says which network is right; give targets")

    def decided(self, answers: Float[Array, "n answer"]) -> Float[Array, "n answer"]:
        """Answers in the form that true targets have: of classes, the likeliest alone. By default as they are."""
        return answers

    @property
    def constant_answer(self) -> float:
        """Each value of the answer that says nothing: of classes, one among so many."""
        return 0.0

    def residual(
        self, target_outputs: Float[Array, "probe *output"], outputs: Float[Array, "probe *output"]
    ) -> Float[Array, "residuals"]:
        """Difference between a generated network's outputs on the probes and the target's, for the encoder."""
        return (outputs - target_outputs).reshape(-1)

    def imitation_loss(
        self, target_outputs: Float[Array, "batch *output"], outputs: Float[Array, "batch *output"]
    ) -> Float[Array, ""]:
        """Loss of one network's outputs against those of another network, its teacher."""
        return jnp.square(outputs - target_outputs).mean()

    def agreement(
        self, target_outputs: Float[Array, "batch *output"], outputs: Float[Array, "batch *output"]
    ) -> Float[Array, ""]:
        """Share of inputs on which two networks give the same answer (docs/method.md, eq. 27)."""
        raise NotImplementedError


class Supervised(Behaviour):
    """A behaviour that is learned from true targets and scored against them."""

    def check_examples(self, inputs: Shaped[Any, "n *input"], targets: Any) -> Shaped[Array, "n *target"]:
        """A user's true targets of some prepared inputs, one for each, as arrays.

        Raises:
          InputError: they are not as many as the inputs, no numbers, or not finite.
        """
        array = np.asarray(targets)
        if array.ndim == 0 or len(array) != len(inputs) or array.dtype.kind not in "fiub":
            shape = f"{array.dtype} of shape {array.shape}"
            raise InputError(f"targets: {shape} for {len(inputs)} inputs; give as many numbers, or rows of numbers")
        if not np.isfinite(array).all():
            raise InputError("targets: not all values are finite; remove examples whose target is not")
        return jnp.asarray(array)

    def target_answers(self, targets: Shaped[Array, "n *target"]) -> Float[Array, "n answer"]:
        """True targets as answers, in the form of `decided`: by default as numbers, each target as one row."""
        return jnp.asarray(targets, jnp.float32).reshape(len(targets), -1)

    def example_losses(
        self, outputs: Float[Array, "n *output"], targets: Shaped[Array, "n *target"]
    ) -> Float[Array, "n"]:
        """`fit_loss` of each example alone, so that a weighted mean takes any number of them."""
        return jax.vmap(lambda output, target: self.fit_loss(output[None], target[None]))(outputs, targets)

    def fit_loss(
        self, outputs: Float[Array, "batch *output"], targets: Shaped[Array, "batch *target"]
    ) -> Float[Array, ""]:
        """Loss of one network's outputs against the true targets."""
        raise NotImplementedError

    def score(
        self, outputs: Float[Array, "batch *output"], targets: Shaped[Array, "batch *target"]
    ) -> Float[Array, ""]:
        """Value of `metric` for outputs: accuracy, or the share of values near the true ones."""
        raise NotImplementedError


def as_supervised(behaviour: Behaviour) -> Supervised:
    """A behaviour that has true targets.

    Raises:
      InputError: it has none.
    """
    if not isinstance(behaviour, Supervised):
        raise InputError(
            f"{behaviour.name} has no true targets to learn from: its domain trains and scores it otherwise"
        )
    return behaviour


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


class Drawn(NamedTuple):
    """Inputs of some examples as they might come, with a weight of 0 where they only fill up, and errors of answers."""

    inputs: Shaped[Array, "n *input"]
    weight: Float[Array, "n"]
    noise: Float[Array, "n answer"]


@runtime_checkable
class ExampleInputs(Protocol):
    """Data that knows how examples of ONE task come: from one side alone, or measured with an error, for example."""

    def example_inputs(self, key: PRNGKeyArray, most: int) -> Drawn:
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


def for_members(
    dataset: Dataset, members: Int[Array, "network"], function: Callable[[Dataset], PyTree]
) -> tuple[PyTree, int | None]:
    """A function of ONE network's data, for many networks: once where all share one task.

    Returns:
      What it gives, with a first axis of networks unless they share it; and that axis, as `jax.vmap` takes it.
    """
    axis = task_axis(dataset)
    if axis is None:
        return function(dataset.of(0)), axis
    return jax.vmap(lambda member: function(dataset.of(member)))(members), axis


def evaluation_key(member: Int[Array, ""] | int = 0) -> PRNGKeyArray:
    """The fixed key by which networks are scored whenever they are compared, folded by the member."""
    return key_of(0, Purpose.SCORE, member)


BehaviourClass = TypeVar("BehaviourClass", bound=type)

_BEHAVIOURS: dict[str, type] = {}


def register_behaviour(behaviour: BehaviourClass) -> BehaviourClass:
    """Make a behaviour known by its name, so that a saved space finds it; a decorator of its class."""
    _BEHAVIOURS[behaviour.name] = behaviour
    return behaviour


def describe_behaviour(behaviour: Behaviour) -> dict[str, Any]:
    """The name and the fields of a behaviour, as a dict that JSON can hold."""
    return {"name": behaviour.name, **dataclasses.asdict(behaviour)}


def behaviour_from(description: Mapping[str, Any]) -> Behaviour:
    """The behaviour that `describe_behaviour` described.

    Raises:
      InputError: no behaviour of that name is registered, or the fields do not fit it.
    """
    fields = dict(description)
    name = fields.pop("name", None)
    if name not in _BEHAVIOURS:
        registered = ", ".join(_BEHAVIOURS)
        raise InputError(f"unknown behaviour {name!r}: import the module that registers it; registered: {registered}")
    try:
        return _BEHAVIOURS[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    except TypeError as error:
        raise InputError(f"the description of behaviour {name!r} does not fit it ({error})") from error


def prepared(behaviour: Behaviour, given: Any, name: str) -> Shaped[Array, "n *input"]:
    """A user's inputs, one or more, as networks take them.

    Args:
      name: what they are called where they are refused.

    Raises:
      InputError: they are no array of numbers, none, of another shape than the behaviour's, or not finite.
    """
    shape = ", ".join(("n", *map(str, behaviour.input_shape)))
    kind = getattr(getattr(given, "dtype", None), "kind", "f")  # PyTorch's dtypes have none
    if not hasattr(given, "shape") or kind in "OSUcMm":
        raise InputError(f"{name}: a {type(given).__name__} is no array of real numbers; give one of shape ({shape})")
    inputs = behaviour.prepare(given)
    if not len(inputs):
        raise InputError(f"{name}: there are none; give at least one, as an array of shape ({shape})")
    if not np.isfinite(inputs).all():
        raise InputError(f"{name}: not all values are finite; remove inputs that are not")
    return inputs
