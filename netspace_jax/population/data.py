"""The data of a population: arrays that all networks have in common, and arrays with an entry for each network."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.behaviour import Metric, Supervised
from netspace_jax.dataset import Batch, Split, SupervisedDataset
from netspace_jax.errors import InputError
from netspace_jax.ops.shuffle import batch_of_epoch

Measure = Callable[[Array, Array], Array]
"""From outputs [batch, …] and targets [batch, …] of one network to one number."""
Values = Shaped[Array | np.ndarray, "..."]


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
        """The user's score."""
        return self.measure(outputs, targets)


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


def arrays_of(
    inputs: Values, targets: Values, own: bool, rows: Values | None, held_out: tuple[Values, Values] | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What all networks have in common, and what has a row for each, as `PopulationData` has them.

    Raises:
      InputError: names the array that does not fit.
    """
    x, y, lead = _floats("inputs", inputs), _targets(targets), 2 if own else 1
    if x.ndim < lead + 1 or x.shape[:lead] != y.shape[:lead] or 0 in x.shape:
        shape = "[network, n, …]" if own else "[n, …]"
        raise InputError(f"inputs of shape {x.shape} and targets of shape {y.shape}: give both as {shape}")
    held_x, held_y = (x, y) if held_out is None else (_floats("held_out", held_out[0]), _targets(held_out[1]))
    held_lead = held_x.ndim - x.ndim + lead
    fits = held_lead in (1, 2) and held_x.shape[held_lead:] == x.shape[lead:]
    if not fits or held_x.shape[:held_lead] != held_y.shape[:held_lead] or 0 in held_x.shape:
        raise InputError(
            f"held_out: inputs of shape {held_x.shape} and targets of shape {held_y.shape} do not go with inputs of "
            f"shape {x.shape}"
        )
    arrays: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] = {}, {}
    arrays[lead - 1].update(inputs=x, targets=y)
    arrays[held_lead - 1].update(held_inputs=held_x, held_targets=held_y)
    if rows is not None:
        chosen = np.asarray(rows)
        if own or chosen.ndim != 2 or not np.issubdtype(chosen.dtype, np.integer):
            raise InputError("rows are integers [network, row], and choose among shared inputs")
        if chosen.size == 0 or chosen.min() < 0 or chosen.max() >= len(x):
            raise InputError(f"rows choose among {len(x)} inputs, counted from 0")
        arrays[1]["rows"] = chosen.astype(np.int32)
    return arrays


def _floats(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name} are {array.dtype}: networks take floats; scale pixels first, as x / 255")
    return array.astype(np.float32)


def _targets(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array.astype(np.int32 if np.issubdtype(array.dtype, np.integer) else np.float32)


def count_of(networks: int, own: Mapping[str, Any], values: Mapping[str, np.ndarray], seeds: Any) -> int:
    """How many networks: all that has an axis for them has to agree.

    Args:
      own, values: data and hyperparameters.
    """
    for name, value in values.items():
        if value.ndim > 1 or not np.isfinite(value).all():
            raise InputError(f"hyperparameter {name} is a finite number, or one for each network")
    counts = {name: len(value) for name, value in own.items()}
    counts |= {f"hyperparameter {name}": len(value) for name, value in values.items() if value.ndim}
    counts |= {"seeds": len(seeds)} if seeds is not None else {}
    counts |= {"networks": networks} if networks else {}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(f"these do not agree on how many networks there are: {listed}")
    if not any(counts.values()):
        raise InputError("nothing says how many networks to train: give networks=")
    return next(iter(counts.values()))
