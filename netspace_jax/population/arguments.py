"""What a population trains on: arguments checked, and brought to arrays that say how many networks there are."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Shaped

from netspace_jax.errors import InputError

Values = Shaped[Array | np.ndarray, "..."]


class Arrays(NamedTuple):
    """Arrays by name that all networks have in common, those with a row for each, and the shape of one input."""

    common: dict[str, np.ndarray]
    own: dict[str, np.ndarray]
    input_shape: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Options:
    """How long and in what portions a population trains.

    Attributes:
      steps: of each network.
      batch: inputs of one step of one network; all that it has, where there are fewer.
      chunk: networks that train together, which bounds the memory.
      devices: to spread networks over; 0 for all.
    """

    steps: int = 1000
    batch: int = 64
    chunk: int = 256
    devices: int = 0


def check(options: Options) -> None:
    """Refuse options below their least values."""
    for field in dataclasses.fields(options):
        value, minimum = getattr(options, field.name), 0 if field.name == "devices" else 1
        if value < minimum:
            raise InputError(f"options: {field.name} must be at least {minimum}, not {value}")


def arrays_of(
    inputs: Values, targets: Values, own: bool, rows: np.ndarray | None, held_out: tuple[Values, Values] | None
) -> Arrays:
    """All arrays of `train`, checked against each other.

    Raises:
      InputError: names the one that does not fit.
    """
    x, y = _floats("inputs", inputs), _targets(targets)
    lead = 2 if own else 1
    if x.ndim < lead + 1 or x.shape[:lead] != y.shape[:lead] or 0 in x.shape:
        shape = "[network, n, …]" if own else "[n, …]"
        raise InputError(f"inputs of shape {x.shape} and targets of shape {y.shape}: give both as {shape}")
    common, each_network = {}, {}
    (each_network if own else common).update(inputs=x, targets=y)
    if rows is not None:
        each_network["rows"] = _rows(rows, len(x), own)
    held_x, held_y = (x, y) if held_out is None else (_floats("held_out", held_out[0]), _targets(held_out[1]))
    held_lead = held_x.ndim - x.ndim + lead
    fits = held_lead in (1, 2) and held_x.shape[held_lead:] == x.shape[lead:]
    if not fits or held_x.shape[:held_lead] != held_y.shape[:held_lead] or 0 in held_x.shape:
        raise InputError(
            f"held_out: inputs of shape {held_x.shape} and targets of shape {held_y.shape} do not go with inputs of "
            f"shape {x.shape}"
        )
    (each_network if held_lead == 2 else common).update(held_inputs=held_x, held_targets=held_y)
    return Arrays(common, each_network, x.shape[lead:])


def _rows(rows: np.ndarray, inputs: int, own: bool) -> np.ndarray:
    values = np.asarray(rows)
    if own or values.ndim != 2 or not np.issubdtype(values.dtype, np.integer):
        raise InputError("rows are integers [network, row], and choose among shared inputs")
    if values.size == 0 or values.min() < 0 or values.max() >= inputs:
        raise InputError(f"rows choose among {inputs} inputs, counted from 0")
    return values.astype(np.int32)


def _floats(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name} are {array.dtype}: networks take floats; scale pixels first, as x / 255")
    return array.astype(np.float32)


def _targets(values: Any) -> np.ndarray:
    array = np.asarray(values)
    return array.astype(np.int32 if np.issubdtype(array.dtype, np.integer) else np.float32)


def count_of(
    networks: int, data: Arrays, values: Mapping[str, np.ndarray], seeds: Sequence[int] | np.ndarray | None
) -> int:
    """How many networks: all that has an axis for them has to agree."""
    for name, value in values.items():
        if value.ndim > 1 or not np.isfinite(value).all():
            raise InputError(f"hyperparameter {name} is a finite number, or one for each network")
    counts = {name: len(value) for name, value in data.own.items()}
    counts |= {f"hyperparameter {name}": len(value) for name, value in values.items() if value.ndim}
    counts |= {"seeds": len(seeds)} if seeds is not None else {}
    counts |= {"networks": networks} if networks else {}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(f"these do not agree on how many networks there are: {listed}")
    count = next(iter(counts.values()), 0)
    if count < 1:
        raise InputError("nothing says how many networks to train: give networks=")
    return count
