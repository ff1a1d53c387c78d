"""A zoo from networks that exist, in one call."""

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from etils import epath

from netspace_jax.behaviour import Metric
from netspace_jax.checks import check_zoo
from netspace_jax.config import RunConfig, ZooConfig
from netspace_jax.dataset import Dataset, one_task
from netspace_jax.domain import Domain, domain
from netspace_jax.errors import InputError
from netspace_jax.files import check_new
from netspace_jax.importing.examine import Examined, ImportOptions, examine
from netspace_jax.importing.sources import TENSORS, sources_of
from netspace_jax.zoo import LeftOut, Zoo, fingerprint, write_zoo

SPLIT_FLAGS = ("validation", "test", "seed")
"""Flags of a zoo that say how imported networks are split."""
_ENOUGH = 5  # networks of which a space can be trained: two to train on, one to validate, two to test


@dataclasses.dataclass(frozen=True)
class Imported:
    """A zoo of imported networks, and what came out on the way.

    Attributes:
      examined: each network with its scores, or the reason why it is left out; what was compared; warnings.
    """

    zoo: Zoo
    examined: Examined
    metric: Metric

    def __str__(self) -> str:
        return "\n".join([*lines_of(self.examined, self.metric), summary_line(self)])


def import_zoo(
    networks: Any,
    architecture: str,
    out: epath.PathLike,
    *,
    options: ImportOptions = ImportOptions(),
    domain_name: str = "images",
    tell: Callable[[str], None] = lambda line: None,
    **data: Any,
) -> Imported:
    """Make a zoo of networks that were trained elsewhere. Nothing in a file is executed.

    Args:
      networks: a folder, which is searched for PyTorch files, safetensors, Flax's msgpack and Orbax checkpoints; one of
        these; or an iterable of paths, Flax parameters, state_dicts, flat vectors, or pairs of a name and one of these.
      architecture: what all of them are; a registered name.
      out: a new or empty directory for the zoo, which appears there complete or not at all.
      options: how they are read and checked.
      domain_name: what kind of networks they are.
      tell: called with a line for each network and each warning, before anything is written.
      data: fields of the domain's zoo configuration that say what the data is and how networks are split, as
        `dataset="mine.npz", normalise=(0.5, 0.5), test=0.2`.

    Raises:
      InputError: no network can be imported, or an argument cannot be used.
    """
    began, kind = time.perf_counter(), domain(domain_name)
    check_new(out)
    config = _zoo_config(kind, architecture, data)
    sources = sources_of(networks)
    if not sources.sources:
        raise InputError(
            f"{networks} holds no networks: none of its {sources.others} files ends as one that is read, in "
            f"{', '.join(TENSORS)}; of another library, give the parameters of each from Python"
        )
    dataset = _one_task_data(kind, config)
    examined = examine(
        sources,
        dataset.behaviour.architecture(architecture),
        dataset,
        options,
        alternative_inputs=kind.alternative_inputs,
        causes=kind.import_causes,
    )
    for line in lines_of(examined, dataset.behaviour.metric):
        tell(line)
    count = len(examined.networks)
    if not count:
        raise InputError(f"none of {_first_reason(examined.left_out)}; {out} is not written")
    splits = {"validation": _number(config.validation, count, 1), "test": _number(config.test, count, 2)}
    zoo = write_zoo(
        out,
        dataclasses.replace(config, members=(count,), **splits),
        examined.networks,
        domain=kind.name,
        data_sha256=fingerprint(dataset),
        left_out=examined.left_out,
        seconds=time.perf_counter() - began,
    )
    return Imported(zoo, examined, dataset.behaviour.metric)


def _first_reason(left_out: Sequence[LeftOut]) -> str:
    """How many networks are left out, why the first is, and for how many that is the reason."""
    reason = left_out[0].reason
    same = sum(one.reason == reason for one in left_out)
    return (
        f"{len(left_out)} networks can be imported: {reason} (the first, {left_out[0].name}, and so for {same} of all)"
    )


def _zoo_config(kind: Domain, architecture: str, data: Mapping[str, Any]) -> ZooConfig:
    """The configuration of a zoo of imported networks; their number stands in for the one that is not known yet.

    Raises:
      InputError: `data` names a field that imports do not take, or the configuration cannot be.
    """
    unknown = sorted(set(data) - {*kind.data_flags, *SPLIT_FLAGS})
    if unknown:
        raise InputError(f"import_zoo knows no {unknown[0]!r}; it takes {', '.join((*kind.data_flags, *SPLIT_FLAGS))}")
    config = kind.zoo_config(**{**data, "architectures": (architecture,), "members": (_ENOUGH,), "batch": 1})
    check_zoo(config)
    kind.check(RunConfig("", kind.name, config, kind.netspace_config()))
    return config


def _one_task_data(kind: Domain, config: ZooConfig) -> Dataset:
    """Data of the one task that all imported networks share.

    Raises:
      InputError: networks of this domain have tasks of their own.
    """
    dataset = kind.load(config).dataset
    if not one_task(dataset):
        raise InputError(f"networks of {kind.name} are each about an item of their own, which their files do not name")
    return dataset


def _number(networks: float, count: int, least: int) -> float:
    """Networks of a split: a share of all, but at least as many as an evaluation needs, where there are enough."""
    if networks >= 1:
        return networks
    return float(max(round(networks * count), least if count >= _ENOUGH else count // 3))


def lines_of(examined: Examined, metric: Metric) -> list[str]:
    """A line for each network, what was compared, and warnings."""
    lines = [
        f"{one.name}: {metric} {one.score_test:.3f} on test inputs, {one.score_validation:.3f} on validation inputs"
        for one in examined.networks
    ]
    lines += [f"{one.name}: left out: {one.reason}" for one in examined.left_out]
    lines += [f"compared: {text}" for text in examined.compared]
    return [*lines, *(f"warning: {text}" for text in examined.warnings)]


def summary_line(imported: Imported) -> str:
    """One line that says what there is now."""
    zoo, left_out = imported.zoo, imported.examined.left_out
    splits = zoo.members.split.tolist()
    counts = ", ".join(f"{splits.count(split)} {split}" for split in ("train", "validation", "test"))
    lowest, highest, mean = (zoo.summary[f"score_{name}"] for name in ("min", "max", "mean"))
    line = (
        f"{len(zoo.members)} of {len(zoo.members) + len(left_out)} networks imported ({counts}), test "
        f"{imported.metric} {lowest:.3f} to {highest:.3f}, mean {mean:.3f}"
    )
    return line if len(zoo.members) >= _ENOUGH else f"{line}; a space needs at least {_ENOUGH}"
