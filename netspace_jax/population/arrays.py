"""The arrays that a population is trained on, as users give them: checked, and of one length for each network."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from netspace_jax.errors import InputError
from netspace_jax.population.data import Values


class Arrays(NamedTuple):
    """The data of a population.

    Attributes:
      common, own: what all networks have in common, and what has a row for each, as `PopulationData` has them.
      classes: names of the labels, where they are texts.
      held_counts: inputs that each network is scored on, where these are unequally many.
    """

    common: dict[str, np.ndarray]
    own: dict[str, np.ndarray]
    classes: tuple[str, ...] = ()
    held_counts: Int[np.ndarray, "network"] | None = None


def arrays_of(
    inputs: Values, targets: Values, own: bool, rows: Values | None, held_out: tuple[Values, Values] | None
) -> Arrays:
    """Data as it is given, with texts as numbers of classes, and networks' own data of one length each.

    Raises:
      InputError: names the array that does not fit.
    """
    classes, (targets, held_targets) = _numbered(targets, None if held_out is None else held_out[1])
    inputs, targets, counts = _even(inputs, targets) if own else (inputs, targets, None)
    x, y, lead = _floats("inputs", inputs), _targets(targets), 2 if own else 1
    if x.ndim < lead + 1 or x.shape[:lead] != y.shape[:lead] or 0 in x.shape:
        shape = "[network, n, …]" if own else "[n, …]"
        raise InputError(f"inputs of shape {x.shape} and targets of shape {y.shape}: give both as {shape}")
    held_x, held_y, held_counts = x, y, counts
    if held_out is not None:
        held_inputs, held_targets, held_counts = _even(held_out[0], held_targets)
        held_x, held_y = _floats("held_out", held_inputs), _targets(held_targets)
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
        arrays[1]["rows"] = _rows(rows, own, len(x))
    return Arrays(*arrays, classes, held_counts)


def _rows(rows: Values, own: bool, count: int) -> Int[np.ndarray, "network row"]:
    try:
        chosen = np.asarray(rows)
    except ValueError:  # unequally many; each again from its first
        rows = [np.asarray(each) for each in rows]
        longest = max(map(len, rows))
        empty = any(not len(each) for each in rows)
        chosen = rows[0] if empty else np.stack([each[np.arange(longest) % len(each)] for each in rows])
    if own or chosen.ndim != 2 or not np.issubdtype(chosen.dtype, np.integer):
        raise InputError("rows are integers [network, row], and choose among shared inputs")
    if chosen.size == 0 or chosen.min() < 0 or chosen.max() >= count:
        raise InputError(f"rows choose among {count} inputs, counted from 0")
    return chosen.astype(np.int32)


def _numbered(targets: Values, held: Values | None) -> tuple[tuple[str, ...], tuple[Any, Any]]:
    """Texts as numbers of classes in their order, and these classes; other targets as they are."""
    parts = [part for part in (targets, held) if part is not None]
    lists = [list(map(np.asarray, part)) if isinstance(part, list | tuple) else [np.asarray(part)] for part in parts]
    arrays = [array for part in lists for array in part]
    texts = [array.dtype.kind in "US" or (array.dtype == object and isinstance(array.flat[0], str)) for array in arrays
             if array.size]  # fmt: skip
    if not any(texts):
        return (), (targets, held)
    if not all(texts):
        raise InputError("targets are texts and numbers: give one kind")
    classes = np.unique(np.concatenate([array.astype(str).ravel() for array in arrays]))

    def numbers(part: Values | None) -> Values | None:
        if part is None:
            return None
        if isinstance(part, list | tuple) and np.ndim(part[0]):
            return [np.searchsorted(classes, np.asarray(each).astype(str)) for each in part]
        return np.searchsorted(classes, np.asarray(part).astype(str))

    return tuple(classes.tolist()), (numbers(targets), numbers(held))


def _even(inputs: Values, targets: Values | None) -> tuple[Values, Values, Int[np.ndarray, "network"] | None]:
    """Inputs and targets of networks that have unequally many: each again from its first, up to the most; and counts.

    Others are given back as they are.

    Raises:
      InputError: a network has no inputs, or another number of targets.
    """
    x, y = list(inputs), list(targets)  # type: ignore[arg-type]
    counts = np.array([np.shape(each)[0] if np.ndim(each) else -1 for each in x])
    if not isinstance(inputs, list | tuple) or (counts == counts[0]).all() or (counts < 0).any():
        return inputs, targets, None  # type: ignore[return-value]
    for network, (count, each) in enumerate(zip(counts, y, strict=False)):
        if not count or np.shape(each)[:1] != (count,):
            raise InputError(f"network {network} has {count} inputs and targets of shape {np.shape(each)}")
    if len(x) != len(y):
        raise InputError(f"inputs are of {len(x)} networks, targets of {len(y)}")
    shapes = {np.shape(each)[1:] for each in x}
    if len(shapes) > 1:
        raise InputError(f"networks have inputs of the shapes {' and '.join(map(str, sorted(shapes)))}: give one")
    rows = [np.arange(counts.max()) % count for count in counts]
    x, y = ([np.asarray(each)[row] for each, row in zip(part, rows, strict=True)] for part in (x, y))
    return np.stack(x), np.stack(y), counts


def check_targets(targets: np.ndarray, lead: int, outputs: tuple[int, ...]) -> None:
    """Refuse targets that are no classes of networks with such outputs, or numbers of another shape.

    Args:
      lead: axes of the targets that go before those of one input.
      outputs: shape of the outputs for one input.

    Raises:
      InputError: names the first, and what there may be.
    """
    if np.issubdtype(targets.dtype, np.integer):
        outside = targets[(targets < 0) | (targets >= outputs[-1])]
        if outside.size:
            raise InputError(
                f"targets: {outside.flat[0]} is no class of {outputs[-1]} outputs (0 to {outputs[-1] - 1})"
            )
    elif np.prod(targets.shape[lead:], dtype=int) != np.prod(outputs, dtype=int):
        raise InputError(
            f"targets are {'×'.join(map(str, targets.shape[lead:])) or 'one'} floating-point numbers for each input, "
            f"and outputs have shape {outputs}: give integers for classes, or as many numbers"
        )


def _floats(name: str, values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{name} are arrays of unequal shapes: networks' own data is own_data=True") from error
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"{name} are {array.dtype}: networks take floats; scale pixels first, as x / 255")
    return array.astype(np.float32)


def _targets(values: Any) -> np.ndarray:
    try:
        array = np.asarray(values)
        return array.astype(np.int32 if np.issubdtype(array.dtype, np.integer) else np.float32)
    except (ValueError, TypeError) as error:
        raise InputError("targets are neither integers, texts nor numbers of one shape") from error


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
