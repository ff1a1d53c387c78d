"""Networks from outside, one by one: do they fit, are they new, and what do they compute?"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Metric
from netspace_jax.dataset import Batch, Dataset, Split
from netspace_jax.errors import InputError
from netspace_jax.exchange import networks_in
from netspace_jax.exchange.rename import Rename, rename_rules
from netspace_jax.files import sha256
from netspace_jax.importing.alternatives import INPUTS, better, score_alternatives
from netspace_jax.importing.reference_outputs import ROUNDING, read_reference
from netspace_jax.importing.sources import Source, Sources
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.zoo import LeftOut, Scored

_CAUSES = "activation, pooling, the order of rows, columns and channels when maps are flattened"
_FAR = 0.03  # of the span of scores, below what is claimed
_SURE = 3  # standard errors above chance from which a score is no chance


@dataclasses.dataclass(frozen=True)
class ImportOptions:
    """How networks from outside are read and checked."""

    rename: tuple[str, ...] = ()
    """Rules for names of tensors, OLD=NEW: `conv1.0=conv1`, or `model=` to drop a part of all names."""
    expect: str = ""
    """A .npz with `inputs` and, under the name of each file, the outputs of the original: they have to be equal."""
    claimed: float | None = None
    """Test score that the networks are said to have; those that are far below are named."""
    min_score: float | None = None
    """Validation score below which a network is left out; by default that of a constant answer, and what luck adds."""


@dataclasses.dataclass(frozen=True)
class Examined:
    """What became of networks from outside.

    Attributes:
      networks: those that fit, are new and compute something.
      left_out: the others, and why.
    """

    networks: tuple[Scored, ...]
    left_out: tuple[LeftOut, ...]
    compared: tuple[str, ...]
    warnings: tuple[str, ...]


class _Candidate(NamedTuple):
    """A network on its way into a zoo: as far as it is read and scored, and the reason why it is left out."""

    name: str
    sha256: str = ""
    flat: Any = None
    score_validation: float = math.nan
    score_test: float = math.nan
    reason: str = ""


def examine(
    sources: Sources,
    architecture: Architecture,
    dataset: Dataset,
    options: ImportOptions = ImportOptions(),
    *,
    alternative_inputs: Callable[[Any, int], Mapping[str, Batch]] = lambda dataset, count: {},
    causes: str = "",
) -> Examined:
    """Read networks, and check what each computes on the data.

    Args:
      alternative_inputs: of a dataset, the first so many validation inputs, given in other ways, by the flags that ask
        for them.
      causes: why networks may compute something else than where they were trained, beside their layers.

    Raises:
      InputError: an option cannot be used.
    """
    metric, causes = dataset.behaviour.metric, ", ".join(filter(None, (causes, _CAUSES)))
    if options.claimed is not None and not metric.low <= options.claimed <= metric.high:
        raise InputError(
            f"--claimed is the {metric.title} from {metric.low:g} to {metric.high:g}, not {options.claimed}"
        )
    candidates = _read(sources.sources, architecture, rename_rules(options.rename))
    compared = [
        f"names and shapes of {len(architecture.spec.leaves)} tensors ({architecture.size:,} parameters), "
        f"and parameters with one another: {len(candidates)} networks"
    ]
    if sources.others:
        compared.append(f"{sources.others} other files were not looked at: their names do not end as networks' do")
    if options.expect:
        candidates, count = _as_expected(candidates, architecture, dataset, options.expect, causes)
        compared.append(f"outputs with those of the original: {count} networks")
    warnings = []
    scored = _scored([one for one in candidates if not one.reason], architecture, dataset)
    if scored:
        counts = [f"{_count(dataset, split):,} {split}" for split in ("validation", "test")]
        compared.append(f"outputs with the truth, on {' and '.join(counts)} inputs")
        line, warning = _as_alternatives(scored, architecture, dataset, alternative_inputs(dataset, INPUTS))
        compared.append(line)
        warnings += [warning] if warning else []
        scored, low = _above_threshold(scored, dataset, options)
        if low:
            warnings.append(f"{low}; usual causes: {causes}")
        warnings += _far_below([one for one in scored if not one.reason], options.claimed, metric, causes)
        complete = {one.name: one for one in scored}
        candidates = [one if one.reason else complete[one.name] for one in candidates]
    left_out = tuple(LeftOut(one.name, one.reason) for one in candidates if one.reason)
    networks = tuple(Scored(*one[:5]) for one in candidates if not one.reason)
    return Examined(networks, left_out, tuple(compared), (*warnings, *_named_otherwise(left_out)))


def _read(sources: Sequence[Source], architecture: Architecture, rules: Sequence[Rename]) -> list[_Candidate]:
    """Networks as they are read, and the reasons of those that do not fit or are not new."""
    candidates: list[_Candidate] = []
    names: set[str] = set()
    name_of: dict[str, str] = {}  # by the hash of the parameters
    for source in sources:
        try:
            readers = networks_in(source.read(), architecture, rules)
        except InputError as error:
            candidates.append(_Candidate(source.name, reason=_reason(error)))
            continue
        for number, read_one in enumerate(readers):
            name = source.name if len(readers) == 1 else f"{source.name}[{number}]"
            try:
                if name in names:
                    raise InputError("another network has this name")
                flat = read_one()
                content = sha256(flat)
                if content in name_of:
                    raise InputError(f"the same parameters as {name_of[content]}")
            except InputError as error:
                candidates.append(_Candidate(name, reason=_reason(error)))
            else:
                names.add(name)
                name_of[content] = name
                candidates.append(_Candidate(name, source.sha256 or content, flat))
    return candidates


def _reason(error: InputError) -> str:
    return str(error).removeprefix("state_dict: ").removeprefix("variables: ")


def _as_expected(
    candidates: Sequence[_Candidate], architecture: Architecture, dataset: Dataset, path: str, causes: str
) -> tuple[list[_Candidate], int]:
    """The networks, those left out whose outputs are not the original's; and how many originals there are."""
    reference = read_reference(path, dataset.behaviour, tuple(one.name for one in candidates))

    def checked_one(one: _Candidate) -> _Candidate:
        difference = None if one.reason else reference.difference(one.name, architecture, one.flat)
        if difference is None or difference <= ROUNDING:
            return one
        reason = f"computes something else than the original: outputs differ by {difference:.2g} of the largest"
        return one._replace(reason=f"{reason}; usual causes: {causes}")

    return [checked_one(one) for one in candidates], len(reference.outputs)


def _scored(candidates: Sequence[_Candidate], architecture: Architecture, dataset: Dataset) -> list[_Candidate]:
    if not candidates:
        return []
    flats = np.stack([one.flat for one in candidates])
    validation, test = (scores_of(dataset, architecture, flats, split=split) for split in ("validation", "test"))
    return [
        one._replace(score_validation=float(validation[row]), score_test=float(test[row]))
        for row, one in enumerate(candidates)
    ]


def _as_alternatives(
    candidates: Sequence[_Candidate], architecture: Architecture, dataset: Dataset, inputs: Mapping[str, Batch]
) -> tuple[str, str]:
    """What else the networks were read as, and a warning where that is better."""
    metric = dataset.behaviour.metric
    tried = score_alternatives(architecture, [one.flat for one in candidates], dataset, inputs)
    best, line = better(tried, metric.span), f"{len(tried) - 1} other ways to read the same networks"
    if best is None:
        return f"{line}, none of them better", ""
    return line, (
        f"THESE NETWORKS WERE PROBABLY TRAINED AS SOMETHING ELSE: read as {architecture.name} they have a mean "
        f"{metric} of {tried[0].mean:.3f}, and {best.mean:.3f} with {best.flags}"
    )


def _above_threshold(
    candidates: Sequence[_Candidate], dataset: Dataset, options: ImportOptions
) -> tuple[list[_Candidate], str]:
    """The networks, those left out that score too low, and how many these are, in words."""
    threshold, fault = options.min_score, f"below --min-score {options.min_score}"
    if threshold is None:
        threshold, fault = chance_threshold(dataset, "validation"), "at chance"
    metric, chance = dataset.behaviour.metric, dataset.chance("validation")
    judged = [
        one
        if one.score_validation >= threshold
        else one._replace(reason=f"{fault}: {metric} {one.score_validation:.3f}, a constant answer has {chance:.3f}")
        for one in candidates
    ]
    low = sum(bool(one.reason) for one in judged)
    return judged, f"{low} of {len(judged)} networks that fit are {fault}" if low else ""


def chance_threshold(dataset: Dataset, split: Split) -> float:
    """Score from which on a network does better than one that learned nothing and is lucky.

    Three standard errors above chance c: the mean of n values in [a, b] has one of at most √((c − a)(b − c)/n), as for
    shares. Scores without bounds have no such limit; there it is chance itself.
    """
    metric, chance = dataset.behaviour.metric, dataset.chance(split)
    variance = (chance - metric.low) * (metric.high - chance)
    return chance + _SURE * math.sqrt(variance / _count(dataset, split)) if math.isfinite(variance) else chance


def _count(dataset: Dataset, split: Split) -> int:
    return len(dataset.examples(split).inputs)


def _far_below(networks: Sequence[_Candidate], claimed: float | None, metric: Metric, causes: str) -> list[str]:
    if claimed is None:
        return []
    below = [network for network in networks if network.score_test < claimed - _FAR * metric.span]
    if not below:
        return []
    worst = min(below, key=lambda network: network.score_test)
    return [
        f"{len(below)} of {len(networks)} networks score far below the {claimed:g} that is claimed (lowest: "
        f"{worst.name}, {metric} {worst.score_test:.3f}); usual causes: {causes}"
    ]


def _named_otherwise(left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    advice = {reason.partition(": --rename ")[2] for _, reason in left_out if ": --rename " in reason}
    return tuple(f"networks have other names for their tensors; to import them: --rename {text}" for text in advice)
