"""The whole pipeline: configuration → data → zoo → space → report. What the commands, notebooks and tests call.

Nothing here prints: who wants to know hands in `Callbacks`.
"""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable

import jax
from etils import epath
from jax.sharding import Mesh

from netspace_jax import evaluations
from netspace_jax.behaviour import Behaviour
from netspace_jax.checks import check_netspace, check_values, check_zoo_sizes
from netspace_jax.config import RunConfig, ZooConfig
from netspace_jax.domain import Domain, Loaded, domain
from netspace_jax.errors import InputError
from netspace_jax.evaluations import OnSection, sections
from netspace_jax.explorer.page import ExploreOptions, explore
from netspace_jax.files import LOG, usable
from netspace_jax.fit import fit_from_zoo
from netspace_jax.locks import one_writer
from netspace_jax.ops.devices import network_mesh
from netspace_jax.report.page import made_by, save_figures, write_report
from netspace_jax.runs import Run, RunDirectory, check_directory, finished_zoo, opened
from netspace_jax.space.loop import OnMetrics, OnProgress
from netspace_jax.zoo import OnZooProgress, Zoo, train_zoo, zoo_name
from netspace_jax.zoo.plan import splits_of


@dataclasses.dataclass(frozen=True)
class Callbacks:
    """Functions that are called as a job proceeds.

    Attributes:
      zoo: networks·steps done since the last call, their total, and the latest mean loss.
      netspace: the step, the number of steps, and the mean loss since the last call.
      section: names of the sections that are made, as each begins.
      waiting: who trains the zoo already; it is waited for.
      metrics: `callback(step, metrics)`, in the first process only: what metrics.jsonl gets while NetSpace trains, as
        losses by their names and `validation_gap`, and with the last step what metrics.json gets.
    """

    zoo: OnZooProgress = lambda done, total, loss: None
    netspace: OnProgress = lambda step, steps, loss: None
    section: OnSection = lambda name, total: None
    waiting: Callable[[str], None] = lambda who: None
    metrics: OnMetrics = lambda step, metrics: None


def make_zoo(
    config: ZooConfig,
    domain_name: str,
    zoos: epath.PathLike = "zoos",
    *,
    devices: int = 0,
    callbacks: Callbacks = Callbacks(),
) -> Zoo:
    """Train a zoo as far as it is not yet.

    Args:
      zoos: directory under which zoos lie.
      devices: devices to spread networks over; 0 for all.

    Raises:
      InputError: the configuration or the data cannot be used, or the zoo's directory holds something else.
    """
    own = domain(domain_name)
    place = usable(zoos)
    mesh = network_mesh(devices)
    loaded = _loaded(RunConfig("", own.name, config, own.netspace_config()))
    check_zoo_sizes(loaded.config, _sizes(loaded.config, loaded.dataset.behaviour))
    return _zoo(own, loaded, place / zoo_name(loaded.config, loaded.dataset), mesh, callbacks)


def train(
    config: RunConfig,
    out: epath.PathLike,
    zoos: epath.PathLike = "zoos",
    *,
    devices: int = 0,
    fresh: bool = False,
    began: float | None = None,
    command: str = "netspace_jax.train",
    explorer: bool = True,
    callbacks: Callbacks = Callbacks(),
) -> epath.Path:
    """From nothing, or from what there is, to a report; returns where the report is.

    Args:
      out, zoos: directory of the run, and that under which zoos lie.
      devices: devices to spread networks over; 0 for all.
      fresh: whether to delete the run directory first.
      began: time, in seconds since the epoch, at which the process began; None for now.
      command: what the report says it was made by.
      explorer: whether to write explore.html beside the report.

    Raises:
      InputError: configuration, data or a directory cannot be used; or, when all is written, a section has failed.
    """
    began = time.time() if began is None else began
    mesh = network_mesh(devices)
    own = domain(config.domain)
    usable(out)
    place = usable(zoos)
    loaded = _loaded(config)
    config = dataclasses.replace(config, zoo=loaded.config)
    behaviour = own.behaviour_of(config.netspace, loaded.dataset.behaviour)
    check_run(config, behaviour, loaded.splits)
    name = config.zoo_folder or zoo_name(config.zoo, loaded.dataset)
    defaults = {part: dataclasses.asdict(type(getattr(config, part))()) for part in ("zoo", "netspace")}
    description = {**dataclasses.asdict(config), "zoo_folder": name}
    zoo = finished_zoo(name, loaded.dataset) if config.zoo_folder else None
    check_directory(out, description, fresh, defaults)
    with one_writer(out):
        before = time.time()
        zoo = zoo or _zoo(own, loaded, place / name, mesh, callbacks)
        # Only now, so that a zoo that does not come about leaves no run of this configuration behind.
        directory = RunDirectory(out, description, fresh, defaults, on_metrics=callbacks.metrics)
        space, progress = fit_from_zoo(
            zoo, behaviour, own.data_of(config.netspace, loaded.dataset), config=config.netspace,
            key=jax.random.key(config.netspace.seed), store=directory, devices=devices,
            architectures=config.zoo.architectures, on_progress=callbacks.netspace,
        )  # fmt: skip
        space.save(directory.path / "space")
        run = opened(config, directory.path, zoo, loaded.dataset, space)
        # The zoo and the training may have been done by an earlier process: their seconds count all the same.
        spent = (before - began) + zoo.summary["seconds"] + progress.seconds
        report, failed = _report(run, directory, command, explorer, callbacks.section, (progress.seconds, spent))
        if failed:
            raise InputError(
                f"{report} lacks {', '.join(failed)}: the error is in {LOG} beside it; "
                f"`python eval NAME {out}` makes one section again"
            )
        return report


def _report(
    run: Run, directory: RunDirectory, command: str, explorer: bool, on_section: OnSection, seconds: tuple[float, float]
) -> tuple[epath.Path, list[str]]:
    """Write figures, metrics, explorer and report of a run.

    Args:
      seconds: of the training of NetSpace, and of all before the report.

    Returns:
      The report's path, and names of the sections that failed.
    """
    began = time.time()
    made = sections(run, on_section)
    metrics = {name: value for section in made for name, value in section.metrics.items()}
    pictures = save_figures(made, directory.path / "figures")
    training, before = seconds
    metrics["seconds/netspace"] = training
    metrics["seconds/total"] = directory.first_total(training, before + time.time() - began)
    directory.write_metrics(metrics, run.config.netspace.steps)
    notes = [*made_by(run.config), *(_explorer(run) if explorer else ())]
    report, beside = directory.path / "report.html", (directory.path / "explore.html").exists()
    title = f"NetSpace: {run.config.name}"
    write_report(report, title, command, made, pictures, metrics, notes=notes, explorer=beside)
    return report, [section.name for section in made if section.failed]


def _explorer(run: Run) -> list[str]:
    """Write the explorer; where that fails, as for a network that cannot run in a page, a note that says so."""
    try:
        explore(run, ExploreOptions())
    except Exception as error:
        if not isinstance(error, InputError):
            logging.getLogger(evaluations.__name__).exception("the explorer of %s failed", run.path)
        return [f"no explorer: {error}"]
    return []


def check_run(config: RunConfig, behaviour: Behaviour, item_splits: tuple[str, ...] = ()) -> None:
    """Refuse a run that cannot be, before anything trains.

    Args:
      item_splits: split of each item that networks are about, where the data says it.

    Raises:
      InputError: names the field and what it has to be.
    """
    check_netspace(config.netspace, config.zoo, _sizes(config.zoo, behaviour))
    for which in config.netspace.trains_on(config.zoo.architectures):
        name = config.zoo.architectures[which]
        found = splits_of(config.zoo, name, item_splits)
        for split, minimum in (("train", 2), ("validation", 1), ("test", 2)):
            if found.count(split) < minimum:
                raise InputError(
                    f"of {len(found)} {name}s {found.count(split)} are in split {split!r} and at least {minimum} are "
                    f"needed: raise --zoo.members, or change --zoo.validation ({config.zoo.validation:g}) or "
                    f"--zoo.test ({config.zoo.test:g})"
                )
        for flag in ("train_members", "resident"):
            if getattr(config.netspace, flag) > found.count("train"):
                raise InputError(
                    f"--netspace.{flag.replace('_', '-')} {getattr(config.netspace, flag)} is more than the "
                    f"{found.count('train')} {name}s that train: lower it, or leave it at 0 for all"
                )


def _loaded(config: RunConfig) -> Loaded:
    """The data of a run whose values can be."""
    own = domain(config.domain)
    check_values(config)
    own.check(config)
    return own.load(config.zoo)


def _sizes(config: ZooConfig, behaviour: Behaviour) -> dict[str, int]:
    """Parameters of each architecture."""
    return {name: behaviour.architecture(name).size for name, _ in config.populations}


def _zoo(own: Domain, loaded: Loaded, directory: epath.Path, mesh: Mesh, callbacks: Callbacks) -> Zoo:
    """The zoo in a directory: as it is, or trained as far as it is not yet, by one process after another."""
    finished = (directory / "members.csv").exists()
    with contextlib.nullcontext() if finished else one_writer(directory, callbacks.waiting):
        return train_zoo(
            directory,
            loaded.config,
            loaded.dataset,
            mesh=mesh,
            domain=own.name,
            item_names=loaded.items,
            item_splits=loaded.splits,
            make_training=own.training,
            on_progress=callbacks.zoo,
        )
