"""The jobs behind the commands, with their progress bars: what notebooks and tests call too."""

import dataclasses
import logging
import time
from pathlib import Path

import numpy as np
from etils import epath

from netspace_jax import cli as commands
from netspace_jax.config import RunConfig, ZooConfig, check_zoo
from netspace_jax.domains.fields import shapes
from netspace_jax.domains.fields.dataset import Fields
from netspace_jax.domains.fields.geometry import write_mesh
from netspace_jax.domains.load import load_task
from netspace_jax.errors import InputError
from netspace_jax.files import location
from netspace_jax.ops.devices import netspace_mesh, network_mesh
from netspace_jax.report import section, sections
from netspace_jax.report.page import save_figures, write_report
from netspace_jax.runs import pipeline
from netspace_jax.runs.directory import RunDirectory
from netspace_jax.zoo.storage import Zoo


def zoo(config: ZooConfig, preset: str, zoos: epath.PathLike, devices: int) -> epath.PathLike:
    """Train a zoo as far as it is not yet; returns where it lies."""
    check_zoo(config)
    task, item_names, config = load_task(config)
    with commands.zoo_bar() as on_progress:
        found = pipeline.make_zoo(config, preset, zoos, task, item_names, network_mesh(devices), on_progress)
    return commands.relative(found.directory)


def run(config: RunConfig, out: epath.PathLike, zoos: epath.PathLike = "zoos", devices: int = 0, fresh: bool = False,
        began: float | None = None, command: str = "netspace_jax.job.run") -> epath.PathLike:
    """From nothing, or from what there is, to a report; returns where the report is.

    Args:
      out: directory of the run.
      zoos: directory under which zoos lie.
      devices: devices to spread networks over; 0 for all.
      fresh: whether to delete the run directory first.
      began: time, in seconds since the epoch, at which the process began; None for now.
      command: what the report says it was made by.

    Raises:
      InputError: the configuration or the data cannot be used, or a directory holds something else.
    """
    began = time.time() if began is None else began
    mesh = network_mesh(devices)
    check_zoo(config.zoo)
    task, item_names, zoo_config = load_task(config.zoo)
    config = dataclasses.replace(config, zoo=zoo_config)
    pipeline.check_run(config, task)
    directory = RunDirectory(out, config, fresh)
    before = time.time()
    with commands.zoo_bar() as on_progress:
        zoo = pipeline.make_zoo(config.zoo, config.name, zoos, task, item_names, mesh, on_progress)
    with commands.netspace_bar() as on_progress:
        progress = pipeline.train_netspace(config, zoo, task, directory, netspace_mesh(devices), on_progress)
    after = time.time()
    trained = pipeline.open_run(config, directory.path, zoo, task)
    found = [make(trained) for make in sections.sections_for(trained).values()]
    found.append(sections.training(trained, directory.path))
    metrics = {name: value for section in found for name, value in section.metrics.items()}
    pictures = save_figures(found, directory.path / "figures")
    # The zoo and the training may have been done, or begun, by an earlier process: their seconds count all the same.
    metrics["seconds/netspace"] = progress.seconds
    metrics["seconds/total"] = (before - began) + zoo.summary["seconds"] + progress.seconds + (time.time() - after)
    directory.write_metrics(metrics)
    report = directory.path / "report.html"
    write_report(report, f"NetSpace: {config.name}", command, found, pictures, metrics)
    return commands.relative(report)


def evaluate(name: str, run: epath.PathLike, zoos: epath.PathLike, **options: object) -> str:
    """Make one section of a finished run's report again; returns its table and numbers as text.

    Args:
      options: what the section takes beside the run, as `dataset` of `start`.

    Raises:
      InputError: the run has no such section, is not finished, or cannot be read.
    """
    trained = pipeline.load_run(run, zoos)
    makers = sections.sections_for(trained) | sections.extra_sections_for(trained)
    if name not in makers:
        raise InputError(f"a run of {trained.config.name} has no section {name!r}; it has {', '.join(makers)}")
    found = makers[name](trained, **options)
    figures = location(run) / "figures"
    save_figures([found], figures)
    lines = [found.title, "", *("  ".join(row) for row in found.table)]
    lines += [f"{key} {value:.4f}" for key, value in sorted(found.metrics.items())]
    if found.figure is not None:
        lines.append(f"figure: {commands.relative(figures / (found.name + '.png'))}")
    return "\n".join(lines)


def export_meshes(run: epath.PathLike, zoos: epath.PathLike, out: Path, suffix: str, resolution: int, count: int) -> list[Path]:
    """Write the shapes of test members and of the networks generated from them as meshes; returns the files.

    A network without a surface has no file; a warning names it.

    Raises:
      InputError: the run's networks are no shapes, or the resolution is too small.
    """
    trained = pipeline.load_run(run, zoos)
    if not isinstance(trained.task, Fields):
        raise InputError(f"the networks of {run} are no shapes: a run of chairs, meshes or deepsdf has meshes")
    if resolution < 8:
        raise InputError(f"--resolution must be at least 8, not {resolution}")
    networks = trained.networks(0, "test")
    generated = section.reconstruct_split(trained, 0, "test").generated
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for row, member in enumerate(networks.members[:count]):
        for label, flat in (("siren", networks.parameters[row]), ("generated", generated[row])):
            mesh = shapes.mesh_of(trained.netspace.architectures[0], flat, resolution)
            path = out / f"{Path(member.item).stem}-{label}.{suffix}"
            if mesh.empty:
                logging.warning("%s: no surface, so no file", path)
                continue
            write_mesh(path, mesh)
            written.append(path)
    return written


def describe_zoo(zoo: Zoo) -> str:
    """What is in a zoo, for people."""
    config = zoo.config
    lines = [f"{zoo.directory}: {len(zoo.members)} networks for {config.dataset}, "
             f"trained in {zoo.summary['seconds']:.0f} s, {zoo.summary['diverged']} diverged",
             f"{'architecture':14} {'split':10} {'networks':>8} {'steps':>13} {'test score: least':>18} {'mean':>6} {'most':>6}"]
    for name, _ in config.populations:
        for split in ("train", "validation", "test", "teacher"):
            members = [m for m in zoo.members if (m.architecture, m.split, m.status) == (name, split, "finite")]
            if members:
                steps, scores = [m.steps for m in members], [m.score_test for m in members]
                lines.append(f"{name:14} {split:10} {len(members):8} {min(steps):6}–{max(steps):<6} {min(scores):18.3f} "
                             f"{np.mean(scores):6.3f} {max(scores):6.3f}")
    return "\n".join(lines)
