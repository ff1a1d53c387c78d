"""The whole road, a stage a function: data → zoo → NetSpace → a run that can be evaluated."""

import dataclasses
import functools
import hashlib
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from etils import epath
from jax.sharding import Mesh
from jaxtyping import PyTree

from netspace_jax import architectures
from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig, check_netspace, check_zoo, digest
from netspace_jax.domains.load import load_task
from netspace_jax.errors import InputError
from netspace_jax.files import location
from netspace_jax.metrics.between import between_boundaries
from netspace_jax.metrics.reconstruction import reconstruct
from netspace_jax.ops.devices import agreed, put_everywhere
from netspace_jax.runs.directory import Progress, RunDirectory, read_config, restore_best
from netspace_jax.space.behaviour import score_embeddings
from netspace_jax.space.loss import Shown
from netspace_jax.space.netspace import Constants, NetSpace, make_constants, make_netspace
from netspace_jax.space.training import TrainData, TrainState, make_training, moments
from netspace_jax.task import Task
from netspace_jax.zoo.storage import Networks, Zoo
from netspace_jax.zoo.train import splits_of, train_zoo

OnZooProgress = Callable[[int, int, float], None]
OnProgress = Callable[[int, int, float], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Trained:
    """A trained NetSpace with all that is needed to use it; compared by identity, so that what was computed of it can be kept."""

    config: RunConfig
    task: Task
    zoo: Zoo
    netspace: NetSpace
    params: PyTree
    constants: Constants
    step: int

    def networks(self, kind: int, split: str) -> Networks:
        """Members of the architecture at position `kind` in one split; of the training split those that NetSpace was shown."""
        return _networks(self, kind, split)

    def shown(self, networks: Networks) -> Shown:
        """Networks as the jitted functions take them."""
        return as_shown(networks, self.task)


@functools.lru_cache(maxsize=16)
def _networks(trained: Trained, kind: int, split: str) -> Networks:
    name = trained.netspace.architectures[kind].name
    if split == "train" and kind in shown_kinds(trained.config):
        return training_networks(trained.config.netspace, trained.zoo, name)
    return trained.zoo.networks(name, split)


def zoo_directory(config: ZooConfig, preset: str, task: Task, root: epath.PathLike) -> epath.Path:
    """Where the zoo of a configuration lies: under its preset's name and a hash of what makes it, data included."""
    fingerprint = hashlib.sha256()
    for leaf in jax.tree.leaves(task):
        fingerprint.update(np.ascontiguousarray(leaf).tobytes())
    return location(root) / f"{preset}-{digest(config, fingerprint.hexdigest())}"


def make_zoo(config: ZooConfig, preset: str, root: epath.PathLike, task: Task, item_names: tuple[str, ...], mesh: Mesh,
             on_progress: OnZooProgress = lambda done, total, loss: None) -> Zoo:
    """The zoo of a configuration, trained as far as it is not yet."""
    return train_zoo(zoo_directory(config, preset, task, root), config, task, item_names, mesh, on_progress)


def check_run(config: RunConfig, task: Task) -> None:
    """Refuse a run that cannot be, before anything trains.

    Raises:
      InputError: names the field and what it has to be.
    """
    check_zoo(config.zoo)
    sizes = {name: architectures.build(name, task.input_shape, task.outputs).size for name, _ in config.zoo.populations}
    check_netspace(config.netspace, config.zoo, sizes)
    for kind in shown_kinds(config):
        name = config.zoo.architectures[kind]
        found = splits_of(config.zoo, name)
        for split, least in (("train", 2), ("validation", 1), ("test", 2)):
            if found.count(split) < least:
                raise InputError(f"of {len(found)} {name}s {found.count(split)} are in split {split!r} and at least {least} are needed: raise "
                                 f"--zoo.members, or change --zoo.validation ({config.zoo.validation:g}) or --zoo.test ({config.zoo.test:g})")


def build_netspace(config: RunConfig, task: Task) -> NetSpace:
    """NetSpace of a run, without parameters."""
    return make_netspace(config.netspace, tuple(architectures.build(name, task.input_shape, task.outputs)
                                                for name in config.zoo.architectures))


def shown_kinds(config: RunConfig) -> tuple[int, ...]:
    """Positions of the architectures whose networks NetSpace is shown."""
    shown = config.netspace.shown or config.zoo.architectures
    return tuple(kind for kind, name in enumerate(config.zoo.architectures) if name in shown)


def as_shown(networks: Networks, task: Task) -> Shown:
    """Networks on the device, with the index of what each is about."""
    items = np.array([member.index % task.items for member in networks.members], np.int32)
    return Shown(jnp.asarray(networks.parameters), jnp.asarray(items))


def training_networks(config: NetSpaceConfig, zoo: Zoo, architecture: str, window: int = 0) -> Networks:
    """The training members that NetSpace is shown: the first of the split, if not all are asked for, or one window of them."""
    if config.resident:
        return zoo.window(architecture, "train", config.resident, window)
    networks = zoo.networks(architecture, "train")
    count = config.train_members or len(networks.members)
    return Networks(networks.members[:count], networks.parameters[:count])


def train_netspace(config: RunConfig, zoo: Zoo, task: Task, directory: RunDirectory, mesh: Mesh,
                   on_progress: OnProgress = lambda step, steps, loss: None) -> Progress:
    """Train NetSpace on a zoo, or go on with a training that was interrupted; the directory then holds the best.

    Args:
      on_progress: called with the step, the number of steps, and the mean loss since the last call.
    """
    began = time.perf_counter()
    netspace = build_netspace(config, task)
    kinds = shown_kinds(config)
    names = [netspace.architectures[kind].name for kind in kinds]
    networks = [training_networks(config.netspace, zoo, name) for name in names]
    parameters = dict(zip(kinds, (n.parameters for n in networks), strict=True))
    constants = make_constants(config.netspace, netspace, task, tuple(
        parameters.get(kind, np.zeros((0, a.size), np.float32)) for kind, a in enumerate(netspace.architectures)))
    del parameters
    flat_scales = tuple(constants.scale[kind].reshape(-1)[:netspace.architectures[kind].size] for kind in kinds)
    teacher, teacher_flat = None, None
    if config.netspace.teaching == "common":
        teacher = architectures.build(config.zoo.teacher, task.input_shape, task.outputs)
        teacher_flat = jnp.asarray(zoo.networks(config.zoo.teacher, "teacher").parameters[0])
    data = TrainData(task, constants, tuple(as_shown(n, task) for n in networks), flat_scales, teacher_flat)
    validation = {kind: as_shown(zoo.networks(netspace.architectures[kind].name, "validation"), task) for kind in kinds}
    training = make_training(netspace, config.netspace, kinds, teacher, mesh)
    data = put_everywhere(data, mesh)
    resumed = directory.restore_last(jax.eval_shape(training.init, data), mesh)
    state, progress = resumed or (training.init(data), Progress())
    each = config.netspace.networks // len(kinds)
    window_steps = config.netspace.resident // each  # a pass through what is in memory; 0 where that is all
    window = 0
    for moment in moments(config.netspace, int(state.step), window_steps):
        start = int(state.step)
        if window_steps and start // window_steps != window:
            window = start // window_steps
            networks = [training_networks(config.netspace, zoo, name, window) for name in names]
            data = data.replace(members=put_everywhere(tuple(as_shown(n, task) for n in networks), mesh))
        state, losses = training.advance(state, data, moment.step - start)
        loss = float(losses.total)
        on_progress(moment.step, config.netspace.steps, loss)
        if moment.log:
            directory.log({"step": moment.step, **{name: float(value) for name, value in vars(losses).items()}})
        if moment.evaluate:
            merit = agreed(_merit(config.netspace, netspace, state, data, validation))
            directory.log({"step": moment.step, f"validation_{config.netspace.select}": merit})
            if merit > progress.best or progress.best_step < 0:
                progress = dataclasses.replace(progress, best=merit, best_step=moment.step)
                directory.save_best(moment.step, state.params, data.constants)
            progress = dataclasses.replace(progress, seconds=progress.seconds + time.perf_counter() - began)
            began = time.perf_counter()
            directory.save_last(state, progress)
    return progress


def _merit(config: NetSpaceConfig, netspace: NetSpace, state: TrainState, data: TrainData,
           validation: dict[int, Shown]) -> float:
    """What the best checkpoint is chosen by, higher being better: agreement, minus the gap, or the score of generated networks.

    The score counts interpolated networks too, where interpolation is taught, as the reference does. The share of members
    that the head names another architecture is taken off: what is read as them would not even have their shape.
    """
    found = {kind: reconstruct(netspace, state.params, data.constants, data.task, shown, kind, "validation")
             for kind, shown in validation.items()}
    misnamed = float(np.mean([np.mean(r.predicted != kind) for kind, r in found.items()]))
    if config.select == "gap":
        merits = [-r.gap for r in found.values()]
    elif config.select == "agreement":
        merits = [np.mean(r.agreement) for r in found.values()]
    else:
        merits = [np.mean(r.generated_score) for r in found.values()]
        for between in between_boundaries(netspace, found) if config.interpolation else ():
            items = np.zeros(len(between.embedding), np.int32)
            merits.append(np.mean(score_embeddings(netspace, state.params, data.constants, data.task, between.embedding,
                                                   items, between.kind, "validation")))
    return float(np.mean(merits)) - misnamed


def load_run(path: epath.PathLike, zoos: epath.PathLike) -> Trained:
    """A finished run, ready to use.

    Args:
      zoos: where zoos lie.

    Raises:
      InputError: run or zoo is missing or cannot be read.
    """
    config = read_config(path)
    task = load_task(config.zoo).task
    zoo = Zoo(zoo_directory(config.zoo, config.name, task, zoos))
    return open_run(config, path, zoo, task)


def open_run(config: RunConfig, path: epath.PathLike, zoo: Zoo, task: Task) -> Trained:
    """The best NetSpace of a run whose zoo and task are at hand."""
    netspace = build_netspace(config, task)

    def abstract():
        sizes = tuple(np.zeros((1, a.size), np.float32) for a in netspace.architectures)
        constants = make_constants(config.netspace, netspace, task, sizes)
        return netspace.init(jax.random.key(0), task, constants), constants

    params, constants = jax.eval_shape(abstract)
    params, constants, step = restore_best(path, params, constants)
    return Trained(config, task, zoo, netspace, params, constants, step)
