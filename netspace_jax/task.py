"""What every domain tells the rest of the package: a task, and the data that networks of the task are trained and judged on.

A `Task` is static and has no data: it goes with a space wherever that goes. A `Dataset` is a pytree of arrays, so that it
passes through jit. Both are pure functions of ONE network.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, runtime_checkable

from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.errors import InputError

Split = Literal["train", "validation", "test"]


class Batch(NamedTuple):
    """Inputs of one network, and what is true of them."""

    inputs: Float[Array, "batch *input"]
    targets: Shaped[Array, "batch *target"]


@runtime_checkable
class Task(Protocol):
    """What networks compute, and how the outputs of two are compared: a frozen dataclass whose fields JSON can hold."""

    name: ClassVar[str]
    """What the description of a saved space calls the task."""
    metric: ClassVar[str]
    """What `score` measures, as `accuracy`."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""

    @property
    def outputs(self) -> int:
        """Number of outputs for one input."""

    def prepare(self, inputs: Shaped[Any, "n *input"]) -> Float[Array, "n *input"]:
        """Inputs as networks take them, from what a user has: uint8 images are normalised.

        Raises:
          InputError: they are of another shape.
        """

    def describe(self, outputs: Float[Array, "probe outputs"]) -> Float[Array, "features"]:
        """What an encoder is told of a network's outputs on the probes."""

    def fit_loss(
        self, outputs: Float[Array, "batch outputs"], targets: Shaped[Array, "batch *target"]
    ) -> Float[Array, ""]:
        """Loss of one network against what is true."""

    def imitation_loss(
        self, wanted: Float[Array, "batch outputs"], outputs: Float[Array, "batch outputs"]
    ) -> Float[Array, ""]:
        """Loss of one network's outputs against another's."""

    def score(
        self, outputs: Float[Array, "batch outputs"], targets: Shaped[Array, "batch *target"]
    ) -> Float[Array, ""]:
        """How good outputs are, between 0 and 1: accuracy, or the share of values near the true ones."""

    def agreement(
        self, wanted: Float[Array, "batch outputs"], outputs: Float[Array, "batch outputs"]
    ) -> Float[Array, ""]:
        """Share of inputs on which two networks say the same."""


@runtime_checkable
class Dataset(Protocol):
    """The data of a task, on the device.

    `shared` says that all networks see the same data; else each network is about one of `items` (a shape).
    """

    task: Task
    shared: bool
    items: int

    def of(self, member: Int[Array, ""] | int) -> "Dataset":
        """The data of ONE network, the zoo's member of this index; everything below is asked of that."""

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """The training batch of a step, augmented."""

    def examples(self, split: Split) -> Batch:
        """All inputs of a split, as they are."""

    def probes(self, count: int) -> Float[Array, "probe *input"]:
        """Training inputs that show what any network does; the first of a longer list are the shorter list."""

    def chance(self, split: Split) -> float:
        """Score of the best answer that does not look at the input."""


TaskClass = TypeVar("TaskClass", bound=type)

_TASKS: dict[str, type] = {}


def register_task(task: TaskClass) -> TaskClass:
    """Make a task known by its name, so that a saved space finds it; a decorator of its class."""
    _TASKS[task.name] = task
    return task


def describe_task(task: Task) -> dict[str, Any]:
    """A task as JSON holds it."""
    return {"name": task.name, **dataclasses.asdict(task)}


def task_from(description: Mapping[str, Any]) -> Task:
    """The task that `describe_task` described.

    Raises:
      InputError: its domain is not known here, or the description is not one.
    """
    fields = dict(description)
    name = fields.pop("name", None)
    if name not in _TASKS:
        raise InputError(f"unknown task {name!r}: import the module that registers it; known are {', '.join(_TASKS)}")
    try:
        return _TASKS[name](**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    except TypeError as error:
        raise InputError(f"the description of task {name!r} does not fit it ({error})") from error
