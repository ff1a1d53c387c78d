"""What a population trains on: arguments checked, and brought to arrays that say how many networks there are."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Array, Shaped

from netspace_jax.errors import InputError

Values = Shaped[Array | np.ndarray, "..."]


class Arrays(NamedTuple):
    """All arrays by name, the names of those with a row for each network, and the shape of one input."""

    arrays: dict[str, np.ndarray]
    own: tuple[str, ...]
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
        wanted = "[network, n, …]" if own else "[n, …]"
        raise InputError(f"inputs of shape {x.shape} and targets of shape {y.shape}: give both as {wanted}")
    arrays, names = {"inputs": x, "targets": y}, ["inputs", "targets"] if own else []
    if rows is not None:
        found = np.asarray(rows)
        if own or found.ndim != 2 or not np.issubdtype(found.dtype, np.integer):
            raise InputError("rows are integers [network, row], and choose among shared inputs")
        if found.size == 0 or found.min() < 0 or found.max() >= len(x):
            raise InputError(f"rows choose among {len(x)} inputs, counted from 0")
        arrays["rows"] = found.astype(np.int32)
        names.append("rows")
    held_x, held_y = (x, y) if held_out is None else (_floats("held_out", held_out[0]), _targets(held_out[1]))
    held_lead = held_x.ndim - x.ndim + lead
    fits = held_lead in (1, 2) and held_x.shape[held_lead:] == x.shape[lead:]
    if not fits or held_x.shape[:held_lead] != held_y.shape[:held_lead] or 0 in held_x.shape:
        raise InputError(
            f"held_out: inputs of shape {held_x.shape} and targets of shape {held_y.shape} do not go with inputs of "
            f"shape {x.shape}"
        )
    names += ["held_inputs", "held_targets"] if held_lead == 2 else []
    return Arrays({**arrays, "held_inputs": held_x, "held_targets": held_y}, tuple(names), x.shape[lead:])


def _floats(name: str, values: Any) -> np.ndarray:
    found = np.asarray(values)
    if not np.issubdtype(found.dtype, np.floating):
        raise InputError(f"{name} are {found.dtype}: networks take floats; scale pixels first, as x / 255")
    return found.astype(np.float32)


def _targets(values: Any) -> np.ndarray:
    found = np.asarray(values)
    return found.astype(np.int32 if np.issubdtype(found.dtype, np.integer) else np.float32)


def count_of(
    networks: int, data: Arrays, values: Mapping[str, np.ndarray], seeds: Sequence[int] | np.ndarray | None
) -> int:
    """How many networks: all that has an axis for them has to agree."""
    for name, value in values.items():
        if value.ndim > 1 or not np.isfinite(value).all():
            raise InputError(f"hyperparameter {name} is a finite number, or one for each network")
    said = {name: len(data.arrays[name]) for name in data.own}
    said |= {f"hyperparameter {name}": len(value) for name, value in values.items() if value.ndim}
    said |= {"seeds": len(seeds)} if seeds is not None else {}
    said |= {"networks": networks} if networks else {}
    if len(set(said.values())) > 1:
        listed = ", ".join(f"{name} {count}" for name, count in said.items())
        raise InputError(f"these do not agree on how many networks there are: {listed}")
    count = next(iter(said.values()), 0)
    if count < 1:
        raise InputError("nothing says how many networks to train: give networks=")
    return count
