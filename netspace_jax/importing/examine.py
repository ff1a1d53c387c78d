"""Networks from outside, one by one: do they fit, are they new, and what do they compute?"""

import dataclasses
import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Batch, Dataset, Metric, Split
from netspace_jax.errors import InputError
from netspace_jax.importing.expect import ROUNDING, Expected, read_expected
from netspace_jax.importing.fitting import Rename, parameters_of, rules_of
from netspace_jax.importing.readings import INPUTS, better, compare_readings
from netspace_jax.importing.sources import Found, Source
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.rules import Range
from netspace_jax.zoo import LeftOut, Scored

CAUSES = (
    "the inputs' normalisation (--zoo.normalise), activation, pooling, the order of rows, columns and channels when "
    "maps are flattened, RGB against BGR"
)
"""Why a network of the right shapes computes something else than it did where it was trained."""
_FAR = 0.03  # below what is claimed
_SURE = 3  # standard errors above chance from which a score is no chance


@dataclasses.dataclass(frozen=True)
class ImportOptions:
    """How networks from outside are read and checked."""

    rename: tuple[str, ...] = ()
    """Rules for names of tensors, OLD=NEW: `conv1.0=conv1`, or `model=` to drop a part of all names."""
    expect: str = ""
    """A .npz with `inputs` and, under the name of each file, the outputs of the original: they have to be equal."""
    claimed: Annotated[float, Range(0, 1)] = 0.0
    """Test score that the networks are said to have; those that are far below are named. 0: nothing is claimed."""
    min_score: Annotated[float, Range(-1, 1)] = -1.0
    """Validation score below which a network is left out; by default that of a constant answer, and what luck adds."""


@dataclasses.dataclass(frozen=True)
class Examined:
    """What became of networks from outside.

    Attributes:
      networks: those that fit, are new and compute something.
      left_out: the others, and why.
      compared: what was looked at, a line each.
      warnings: what a user has to know, a line each.
    """

    networks: tuple[Scored, ...]
    left_out: tuple[LeftOut, ...]
    compared: tuple[str, ...]
    warnings: tuple[str, ...]


_Read = dict[str, tuple[str, Float[np.ndarray, "size"]]]

Readings = Callable[[Any, int], Mapping[str, Batch]]
"""The first so many validation inputs, given in other ways, by the flags that ask for them."""


def examine(
    found: Found,
    architecture: Architecture,
    dataset: Dataset,
    options: ImportOptions = ImportOptions(),
    readings: Readings = lambda dataset, count: {},
) -> Examined:
    """Read networks, and check what each computes on the data.

    Raises:
      InputError: an option cannot be used.
    """
    rules, behaviour = rules_of(options.rename), dataset.behaviour
    if not 0 <= options.claimed <= 1:
        raise InputError(f"--claimed is a score from 0 to 1, not {options.claimed}")
    names = tuple(source.name for source in found.sources)
    expected = read_expected(options.expect, behaviour, names) if options.expect else None
    read, left_out = _read(found.sources, architecture, rules)
    compared = [
        f"names and shapes of {len(architecture.spec.leaves)} tensors ({architecture.size:,} parameters), "
        f"and parameters with one another: {len(names)} networks"
    ]
    if found.others:
        compared.append(f"{found.others} other files were not looked at: their names do not end as networks' do")
    if expected is not None:
        read, unequal = _as_expected(read, architecture, expected)
        left_out += unequal
        compared.append(f"outputs with those of the original: {len(expected.outputs)} networks")
    if not read:
        return Examined((), _in_order(left_out, names), tuple(compared), _named_otherwise(left_out))
    scored = _scored(read, architecture, dataset)
    least = options.min_score if options.min_score >= 0 else least_above_chance(dataset, "validation")
    kept = [network for network in scored if network.score_validation >= least]
    chance = dataset.chance("validation")
    low = [network for network in scored if network.score_validation < least]
    said = "at chance" if options.min_score < 0 else f"below --min-score {options.min_score:g}"
    left_out += [
        LeftOut(
            network.name,
            f"{said}: {behaviour.metric} {network.score_validation:.3f}, a constant answer has {chance:.3f}",
        )
        for network in low
    ]
    compared.append(
        f"outputs with the truth, on {_count(dataset, 'validation'):,} validation and {_count(dataset, 'test'):,} test "
        f"inputs"
    )
    warnings = [f"{len(low)} of {len(scored)} networks that fit are {said}; usual causes: {CAUSES}"] if low else []
    warnings += _far_below(kept, options.claimed, behaviour.metric)
    tried = _tried(architecture, [network.flat for network in scored], dataset, readings)
    return Examined(
        tuple(kept),
        _in_order(left_out, names),
        (*compared, *tried[0]),
        (*tried[1], *warnings, *_named_otherwise(left_out)),
    )


def _read(
    sources: Sequence[Source], architecture: Architecture, rules: Sequence[Rename]
) -> tuple[_Read, list[LeftOut]]:
    """Hash and parameters of the networks that fit and are new, by name, and the others."""
    read: _Read = {}
    left_out: list[LeftOut] = []
    known: dict[str, str] = {}
    for source in sources:
        try:
            if source.name in read:
                raise InputError("another network has this name")
            flat = parameters_of(source.read(), architecture, rules)
        except InputError as error:
            left_out.append(LeftOut(source.name, str(error).removeprefix("state_dict: ").removeprefix("variables: ")))
            continue
        own = hashlib.sha256(flat.tobytes()).hexdigest()
        if own in known:
            left_out.append(LeftOut(source.name, f"the same parameters as {known[own]}"))
            continue
        known[own] = source.name
        read[source.name] = (source.sha256 or own, flat)
    return read, left_out


def _as_expected(read: _Read, architecture: Architecture, expected: Expected) -> tuple[_Read, list[LeftOut]]:
    kept, unequal = {}, []
    for name, (sha256, flat) in read.items():
        difference = expected.difference(name, architecture, flat)
        if difference is None or difference <= ROUNDING:
            kept[name] = (sha256, flat)
        else:
            reason = f"computes something else than the original: outputs differ by {difference:.2g} of the largest"
            unequal.append(LeftOut(name, f"{reason}; usual causes: {CAUSES}"))
    return kept, unequal


def _scored(read: _Read, architecture: Architecture, dataset: Dataset) -> list[Scored]:
    flats = np.stack([flat for _, flat in read.values()])
    validation, test = (scores_of(dataset, architecture, flats, split=split) for split in ("validation", "test"))
    return [
        Scored(name, sha256, flat, float(validation[row]), float(test[row]))
        for row, (name, (sha256, flat)) in enumerate(read.items())
    ]


def _far_below(networks: Sequence[Scored], claimed: float, metric: Metric) -> list[str]:
    below = [network for network in networks if network.score_test < claimed - _FAR]
    if not below:
        return []
    worst = min(below, key=lambda network: network.score_test)
    return [
        f"{len(below)} of {len(networks)} networks score far below the {claimed:g} that is claimed (lowest: "
        f"{worst.name}, {metric} {worst.score_test:.3f}); usual causes: {CAUSES}"
    ]


def _tried(
    architecture: Architecture, flats: Sequence[Float[np.ndarray, "size"]], dataset: Dataset, readings: Readings
) -> tuple[list[str], list[str]]:
    """What was compared, and a warning if another reading of the networks is better."""
    examples = dataset.examples("validation")
    given = Batch(examples.inputs[:INPUTS], examples.targets[:INPUTS])
    found = compare_readings(architecture, flats, dataset.behaviour, given, readings(dataset, INPUTS))
    metric, best = dataset.behaviour.metric, better(found)
    compared = [f"{len(found) - 1} other ways to read the same networks" + (", none of them better" * (best is None))]
    if best is None:
        return compared, []
    return compared, [
        f"THESE NETWORKS WERE PROBABLY TRAINED AS SOMETHING ELSE: read as {architecture.name} they have a "
        f"mean {metric} of {found[0].score:.3f}, and {best.score:.3f} with {best.flags}"
    ]


def _named_otherwise(left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    advice = {reason.partition(": --rename ")[2] for _, reason in left_out if ": --rename " in reason}
    return tuple(f"networks have other names for their tensors; to import them: --rename {text}" for text in advice)


def _in_order(left_out: Sequence[LeftOut], names: Sequence[str]) -> tuple[LeftOut, ...]:
    place = {name: number for number, name in reversed(list(enumerate(names)))}
    return tuple(sorted(left_out, key=lambda one: place[one.name]))


def least_above_chance(dataset: Dataset, split: Split) -> float:
    """Score from which on a network does better than a constant answer with luck."""
    chance = dataset.chance(split)
    return chance + _SURE * math.sqrt(chance * (1 - chance) / _count(dataset, split))


def _count(dataset: Dataset, split: Split) -> int:
    return len(dataset.examples(split).targets)
