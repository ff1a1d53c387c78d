"""A zoo from networks that exist, in one call."""

import dataclasses
import time
from typing import Any

from etils import epath

from netspace_jax.behaviour import Dataset, Metric, one_task
from netspace_jax.checks import check_zoo
from netspace_jax.config import RunConfig, ZooConfig
from netspace_jax.domain import Domain, domain
from netspace_jax.errors import InputError
from netspace_jax.importing.examine import Examined, ImportOptions, examine
from netspace_jax.importing.sources import sources_of
from netspace_jax.zoo import Zoo, fingerprint, write_zoo
from netspace_jax.zoo.write import check_free

_ENOUGH = 5  # networks of which a space can be trained: two to train on, one to validate, two to test


@dataclasses.dataclass(frozen=True)
class Imported:
    """A zoo of imported networks, and what was found on the way.

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
    **data: Any,
) -> Imported:
    """Make a zoo of networks that were trained elsewhere. Nothing in a file is executed.

    Args:
      networks: a folder, which is searched for PyTorch files, safetensors, Flax's msgpack and Orbax checkpoints; or an
        iterable of paths, Flax parameters, state_dicts, flat vectors, or pairs of a name and one of these.
      architecture: what all of them are; a known name.
      out: a new or empty directory for the zoo, which appears there complete or not at all.
      options: how they are read and checked.
      domain_name: what kind of task they do.
      data: fields of the domain's zoo configuration that say what the data is and how networks are split, as
        `dataset="mine.npz", normalise=(0.5, 0.5), test=0.2`.

    Raises:
      InputError: no network can be imported, or an argument cannot be used.
    """
    own = domain(domain_name)
    unknown = sorted(set(data) - {*own.data_flags, *SPLIT_FLAGS})
    if unknown:
        raise InputError(f"import_zoo knows no {unknown[0]!r}; it takes {', '.join((*own.data_flags, *SPLIT_FLAGS))}")
    config = own.zoo_config(**data)
    examined, dataset, seconds = look(networks, architecture, out, config, own, options)
    return keep(examined, architecture, out, config, own, dataset=dataset, seconds=seconds)


SPLIT_FLAGS = ("validation", "test", "seed")
"""Flags of a zoo that say how imported networks are split."""


def look(
    networks: Any, architecture: str, out: epath.PathLike, config: ZooConfig, own: Domain, options: ImportOptions
) -> tuple[Examined, Dataset, float]:
    """Examine networks; also their data, and the seconds that it took. Nothing is written.

    Raises:
      InputError: an argument cannot be used.
    """
    began = time.perf_counter()
    check_free(out)
    config = dataclasses.replace(config, architectures=(architecture,), members=(_ENOUGH,), batch=1)
    check_zoo(config)
    own.check(RunConfig("", own.name, config, own.netspace_config()))
    found = sources_of(networks)
    if not found.sources:
        raise InputError(
            f"{networks} holds no networks: none of its {found.others} files ends as a network's file does"
        )
    dataset = own.load(config).dataset
    if not one_task(dataset):
        raise InputError(f"networks of {own.name} are each about an item of their own, which their files do not name")
    built = dataset.behaviour.architecture(architecture)
    examined = examine(found, built, dataset, options, own.readings)
    return examined, dataset, time.perf_counter() - began


def keep(
    examined: Examined,
    architecture: str,
    out: epath.PathLike,
    config: ZooConfig,
    own: Domain,
    *,
    dataset: Dataset,
    seconds: float,
) -> Imported:
    """Write what was examined as a zoo.

    Raises:
      InputError: no network is left.
    """
    count = len(examined.networks)
    if not count:
        raise InputError(f"none of {len(examined.left_out)} networks can be imported; {out} is not written")
    splits = {"validation": _number(config.validation, count, 1), "test": _number(config.test, count, 2)}
    config = dataclasses.replace(config, architectures=(architecture,), members=(count,), batch=1, **splits)
    zoo = write_zoo(
        out,
        config,
        examined.networks,
        domain=own.name,
        data_sha256=fingerprint(dataset),
        left_out=examined.left_out,
        seconds=seconds,
    )
    return Imported(zoo, examined, dataset.behaviour.metric)


def _number(wanted: float, count: int, least: int) -> float:
    """Networks of a split: a share of all, but at least as many as an evaluation needs, where there are enough."""
    if wanted >= 1:
        return wanted
    return float(max(round(wanted * count), least if count >= _ENOUGH else count // 3))


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
    summary, found, zoo = imported.zoo.summary, imported.examined, imported.zoo
    splits = [member.split for member in zoo.members]
    counts = ", ".join(f"{splits.count(split)} {split}" for split in ("train", "validation", "test"))
    line = (
        f"{len(zoo.members)} of {len(zoo.members) + len(found.left_out)} networks imported ({counts}), test "
        f"{imported.metric} {summary['score_min']:.3f} to {summary['score_max']:.3f}, mean {summary['score_mean']:.3f}"
    )
    if len(zoo.members) < _ENOUGH:
        line += f"; a space needs at least {_ENOUGH}"
    return line
