"""The loop of NetSpace's training: what is due at which step, and going on from where it was interrupted.

It neither prints nor writes: a `Store` keeps what is to be kept, and a function that is handed in says how good a
NetSpace is.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from netspace_jax import architectures
from netspace_jax.behaviour import Behaviour, Dataset
from netspace_jax.config import NetSpaceConfig, RunConfig
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import agreed, put_everywhere
from netspace_jax.space.build import make_constants, make_netspace
from netspace_jax.space.loss import Group, Losses
from netspace_jax.space.many import embed_many
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.space import Space
from netspace_jax.space.step import TrainData, TrainState, correction_begins, make_training
from netspace_jax.zoo import Networks, Zoo


@dataclasses.dataclass(frozen=True)
class Progress:
    """What is known of a training beside its state.

    Attributes:
      seconds: spent so far, summed over interruptions.
      best: the highest selection metric so far.
      best_step: the step that it is of; -1 before the first validation check.
    """

    seconds: float = 0.0
    best: float = float("-inf")
    best_step: int = -1


@runtime_checkable
class Store(Protocol):
    """Where a training keeps what it goes on from and what it found."""

    def restore_last(self, like: TrainState, mesh: Mesh) -> tuple[TrainState, Progress] | None:
        """The state to go on from, or None for a training that has not saved yet."""

    def save_last(self, state: TrainState, progress: Progress) -> None:
        """Keep what to go on from."""

    def save_best(self, step: int, netspace: NetSpace) -> None:
        """Keep the best so far, in place of the one before."""

    def restore_best(self, like: NetSpace, step: int) -> NetSpace | None:
        """The best that was kept, at `step`, or None where it was lost."""
        ...

    def forget(self, which: Literal["last", "best"]) -> None:
        """Let go of what was kept, so that an earlier step can be kept."""

    def log(self, metrics: dict[str, int | float]) -> None:
        """Note the metrics of a step."""


OnProgress = Callable[[int, int, float], None]
"""Called with the step, the number of steps, and the mean loss since the last call."""

Select = Callable[[NetSpace], float]
"""Selection metric of a NetSpace; the highest is kept."""


def train_space(
    config: RunConfig,
    zoo: Zoo,
    dataset: Dataset,
    behaviour: Behaviour,
    *,
    store: Store,
    select: Select,
    mesh: Mesh,
    on_progress: OnProgress = lambda step, steps, loss: None,
) -> tuple[Space, Progress]:
    """Train a NetSpace on a zoo, or go on with a training that was interrupted; returns the best as a space.

    Args:
      behaviour: the data's task as this NetSpace compares networks by it.
      select: what the best is chosen by.
    """
    settings, began = config.netspace, time.perf_counter()
    ids = settings.trains_on(config.zoo.architectures)

    def shown(window: int = 0) -> dict[int, Networks]:
        return {which: training_networks(settings, zoo, config.zoo.architectures[which], window) for which in ids}

    networks = shown()
    netspace = _untrained(config, dataset, behaviour, networks)
    data = _data_of(config, zoo, dataset, netspace, networks)
    training = make_training(settings, ids, _teacher(config, behaviour), mesh)
    data = put_everywhere(data, mesh)
    abstract = jax.eval_shape(training.init, data)
    like = jax.eval_shape(lambda state: dataclasses.replace(netspace, params=state.params), abstract)
    state, progress = store.restore_last(abstract, mesh) or (training.init(data), Progress())
    if progress.best_step >= 0 and store.restore_best(like, progress.best_step) is None:
        store.forget("best")
        if progress.best_step == int(state.step):
            corrected = progress.best_step > correction_begins(settings)
            kept = settings.corrections if corrected else 0
            lost = dataclasses.replace(netspace, params=state.params, corrections=kept)
            store.save_best(progress.best_step, lost)
        else:  # what it was is not known any more: the training comes to the same again
            store.forget("last")
            state, progress = training.init(data), Progress(progress.seconds)
    window_steps = settings.resident // (settings.networks // len(ids))  # a pass through what is in memory; 0: all is

    def told(event: Event, losses: Losses) -> None:
        on_progress(event.step, settings.steps, float(losses.total))
        if event.log:
            store.log({"step": event.step, **{name: float(value) for name, value in vars(losses).items()}})

    window, waiting, start = 0, None, int(state.step)
    for event in events(settings, start, window_steps):
        if window_steps and start // window_steps != window:
            window = start // window_steps
            networks = shown(window)
            data = data.replace(groups=put_everywhere({w: group_of(n) for w, n in networks.items()}, mesh))
        corrected = start >= correction_begins(settings)
        if start == correction_begins(settings):
            state = training.anew(state)
        state, losses = training.advance(state, data, event.step - start, corrected)
        if waiting:  # read now that the device has something to do
            told(*waiting)
        waiting = event, losses
        if event.validate:
            told(*waiting)
            waiting = None
            # What is not trained yet corrects nothing, and a checkpoint without it is none to keep.
            kept = settings.corrections if corrected else 0
            current = dataclasses.replace(data.netspace, params=state.params, corrections=kept)
            found = agreed(select(current))
            store.log({"step": event.step, f"validation_{settings.select}": found})
            outdated = corrected and progress.best_step <= correction_begins(settings)
            if found > progress.best or np.isnan(progress.best) or progress.best_step < 0 or outdated:
                progress = dataclasses.replace(progress, best=found, best_step=event.step)
                store.save_best(event.step, current)
            progress = dataclasses.replace(progress, seconds=progress.seconds + time.perf_counter() - began)
            began = time.perf_counter()
            store.save_last(state, progress)
        start = event.step
    best = store.restore_best(like, progress.best_step)
    if best is None:
        raise InputError("the best NetSpace was lost after it was saved: the same command makes it again")
    trained_on = shown() if window else networks  # of a zoo that is read in windows, the first
    return as_space(best, {config.zoo.architectures[which]: found for which, found in trained_on.items()}), progress


def as_space(netspace: NetSpace, networks: dict[str, Networks]) -> Space:
    """A trained NetSpace with the embeddings of the networks that trained it, by architecture."""
    embeddings = {
        name: jnp.asarray(embed_many(netspace, netspace.names.index(name), found.parameters))
        for name, found in networks.items()
    }
    fields = {field.name: getattr(netspace, field.name) for field in dataclasses.fields(NetSpace)}
    return Space(**fields, embeddings=embeddings)


def training_networks(config: NetSpaceConfig, zoo: Zoo, architecture: str, window: int = 0) -> Networks:
    """The members that train the space: the training split, its first members, or one window of it."""
    if config.resident:
        return zoo.window(architecture, "train", config.resident, window, config.seed)
    return zoo.networks(architecture, "train").first(config.train_members)


def group_of(networks: Networks) -> Group:
    """Networks on the device."""
    return Group(jnp.asarray(networks.parameters), jnp.asarray(networks.indices))


def _untrained(config: RunConfig, dataset: Dataset, behaviour: Behaviour, networks: dict[int, Networks]) -> NetSpace:
    built = tuple(behaviour.architecture(name) for name in config.zoo.architectures)
    empty = [np.zeros((0, architecture.size), np.float32) for architecture in built]
    members = tuple(networks[i].parameters if i in networks else empty[i] for i in range(len(built)))
    return make_netspace(config.netspace, built, behaviour, make_constants(config.netspace, built, dataset, members))


def _teacher(config: RunConfig, behaviour: Behaviour) -> architectures.Architecture | None:
    common = config.netspace.teaching == "common"
    return behaviour.architecture(config.zoo.teacher) if common else None


def _data_of(
    config: RunConfig, zoo: Zoo, dataset: Dataset, netspace: NetSpace, networks: dict[int, Networks]
) -> TrainData:
    teacher = None
    if config.netspace.teaching == "common":
        teacher = jnp.asarray(zoo.networks(config.zoo.teacher, "teacher").parameters[0])
    return TrainData(dataset, netspace, {which: group_of(found) for which, found in networks.items()}, teacher)


@dataclasses.dataclass(frozen=True)
class Event:
    """A step of training at which something is due."""

    step: int
    log: bool
    validate: bool


def events(config: NetSpaceConfig, start: int, window: int = 0) -> Iterator[Event]:
    """The steps after `start` at which to log or to validate, and every `window`-th, where that is given.

    At the last step both are due.
    """
    validate = {int(step) for step in np.rint(np.linspace(0, config.steps, config.validations + 1))[1:]}
    log = {*range(config.log_every, config.steps + 1, config.log_every), config.steps}
    windows = set(range(window, config.steps, window)) if window else set()
    for step in sorted(log | validate | windows | {correction_begins(config)}):
        if step > start:
            yield Event(step, step in log, step in validate)
