"""The outputs of networks of one kind, and how two networks are compared: static, without data, saved with a space."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from netspace_jax import architectures
from netspace_jax.architectures import Architecture
from netspace_jax.errors import InputError


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

    A frozen dataclass whose fields JSON can hold; `register_behaviour` makes it known by its name. Functions of ONE
    network, of which only `agreement` has to be given; outputs are floats of any shape, their last axis `outputs` long.
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
    """A behaviour that has true targets; one that has none is an InputError."""
    if not isinstance(behaviour, Supervised):
        raise InputError(
            f"{behaviour.name} has no true targets to learn from: its domain trains and scores it otherwise"
        )
    return behaviour


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
    name, fields = description.get("name"), {k: value for k, value in description.items() if k != "name"}
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
