"""What every domain defines for the rest of the package: a behaviour, and the data on which its networks are trained.

A `Behaviour` is static and holds no data; it is saved with a space. A `Dataset` is a pytree of arrays, so it can be an
argument of a jitted function. The methods of both are pure functions of ONE network.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree, Shaped

from netspace_jax.errors import InputError

Split = Literal["train", "validation", "test"]


class Batch(NamedTuple):
    """Inputs of one network with their true targets, such as labels or distances."""

    inputs: Float[Array, "batch *input"]
    targets: Shaped[Array, "batch *target"]


@runtime_checkable
class Behaviour(Protocol):
    """What networks compute, and how the outputs of two are compared: a frozen dataclass whose fields JSON can hold."""

    __dataclass_fields__: ClassVar[dict[str, Any]]
    name: ClassVar[str]
    """Name of the behaviour in the description of a saved space."""
    metric: ClassVar[str]
    """Name of what `score` measures, such as `accuracy`."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        ...

    @property
    def outputs(self) -> int:
        """Number of outputs for one input."""
        ...

    def prepare(self, inputs: Shaped[Any, "n *input"]) -> Float[Array, "n *input"]:
        """A user's inputs as networks take them: uint8 images, for example, are normalised.

        Raises:
          InputError: the inputs have another shape than the behaviour's.
        """
        ...

    def describe(self, outputs: Float[Array, "probe outputs"]) -> Float[Array, "features"]:
        """Description of a network for the encoder, from its outputs on the probe inputs."""
        ...

    def residual(
        self, wanted: Float[Array, "probe outputs"], outputs: Float[Array, "probe outputs"]
    ) -> Float[Array, "residuals"]:
        """What an encoder is told of how a generated network's outputs on the probes differ from those wanted."""
        ...

    def fit_loss(
        self, outputs: Float[Array, "batch outputs"], targets: Shaped[Array, "batch *target"]
    ) -> Float[Array, ""]:
        """Loss of one network's outputs against the true targets."""
        ...

    def imitation_loss(
        self, wanted: Float[Array, "batch outputs"], outputs: Float[Array, "batch outputs"]
    ) -> Float[Array, ""]:
        """Loss of one network's outputs against the outputs `wanted` of another network, its teacher."""
        ...

    def score(
        self, outputs: Float[Array, "batch outputs"], targets: Shaped[Array, "batch *target"]
    ) -> Float[Array, ""]:
        """How good outputs are, between 0 and 1: accuracy, or the share of values near the true ones."""
        ...

    def agreement(
        self, wanted: Float[Array, "batch outputs"], outputs: Float[Array, "batch outputs"]
    ) -> Float[Array, ""]:
        """Share of inputs on which two networks give the same answer (docs/method.md, eq. 27)."""
        ...


@runtime_checkable
class Dataset(Protocol):
    """The data of a behaviour, on the device."""

    @property
    def behaviour(self) -> Behaviour:
        """The task that networks learn from the data."""
        ...

    @property
    def shared(self) -> bool:
        """Whether all networks see the same data; otherwise each network holds one item, such as one shape."""
        ...

    @property
    def items(self) -> int:
        """Number of items; 1 where all networks see the same data."""
        ...

    def of(self, member: Int[Array, ""] | int) -> "Dataset":
        """The data of ONE network, the zoo's member of this index; the methods below are called on the result."""
        ...

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """The training batch of `size` inputs for a step, augmented."""
        ...

    def examples(self, split: Split) -> Batch:
        """All inputs of a split, not augmented."""
        ...

    def probes(self, count: int) -> Float[Array, "probe *input"]:
        """The first `count` of a fixed sequence of training inputs, on which the encoder observes any network."""
        ...

    def chance(self, split: Split) -> float:
        """Score of the best constant answer."""
        ...


@runtime_checkable
class Ordered(Protocol):
    """Data that can say which inputs a batch is of before it fetches them: for many steps at once, before the first."""

    def draw(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> PyTree:
        """What the training batch of a step is made of; `take` of it is `sample`."""
        ...

    def take(self, drawn: PyTree) -> Batch:
        """The training batch that was drawn."""
        ...


@runtime_checkable
class ImitationInputs(Protocol):
    """Data that knows where an imitation has to match ONE network best: near the surface of a shape, for example."""

    def imitation_inputs(self, count: int, seed: int) -> Float[Array, "n *input"]:
        """Training inputs on which an imitation is compared with its network: at most `count`, drawn by a seed."""
        ...


def draw(dataset: Dataset, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> PyTree:
    """What `take` makes the training batch of a step from."""
    return dataset.draw(key, step, size) if isinstance(dataset, Ordered) else step


def take(dataset: Dataset, key: PRNGKeyArray, drawn: PyTree, size: int) -> Batch:
    """The training batch that was drawn, as `dataset.sample` gives it."""
    return dataset.take(drawn) if isinstance(dataset, Ordered) else dataset.sample(key, drawn, size)


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
        raise InputError(
            f"unknown behaviour {name!r}: import the module that registers it; known are {', '.join(_BEHAVIOURS)}"
        )
    try:
        return _BEHAVIOURS[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    except TypeError as error:
        raise InputError(f"the description of behaviour {name!r} does not fit it ({error})") from error


def prepared(behaviour: Behaviour, given: Any, name: str) -> Float[Array, "n *input"]:
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
