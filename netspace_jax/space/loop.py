"""The loop of NetSpace's training: what is due at which step, and going on from where it was interrupted.

It neither prints nor writes: a `Store` keeps what is to be kept, and a function that is handed in says how good a
NetSpace is.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh

from netspace_jax.config import NetSpaceConfig
from netspace_jax.dataset import Dataset
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import agreed, put_everywhere
from netspace_jax.space.batched import embed_members
from netspace_jax.space.calibration import calibrate
from netspace_jax.space.loss import Group, Losses
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.schedule import correction_begins
from netspace_jax.space.space import Space
from netspace_jax.space.step import TrainData, TrainingFunctions, TrainState, make_training


@dataclasses.dataclass(frozen=True)
class Progress:
    """What is known of a training beside its state.

    Attributes:
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


OnMetrics = Callable[[int, dict[str, float]], None]
"""Called with a step and its metrics by name: losses, and at validation checks the selection metric."""

OnProgress = Callable[[int, int, float], None]
"""Called with the step, the number of steps, and the mean loss since the last call."""

Select = Callable[[NetSpace], float]
"""Selection metric of a NetSpace; the highest is kept."""

Windows = Callable[[int], dict[int, Group]]
"""The networks of the n-th window, by architecture id, of a zoo that is read from disk in turn."""


class MemoryStore:
    """A `Store` that keeps the best in memory and gives each line of metrics to a callback."""

    def __init__(self, callback: OnMetrics = lambda step, metrics: None):
        self._callback = callback
        self._best: NetSpace | None = None

    def restore_last(self, like: TrainState, mesh: Mesh) -> None:
        """Nothing: a training in memory begins anew."""
        del like, mesh

    def save_last(self, state: TrainState, progress: Progress) -> None:
        """Not kept."""

    def save_best(self, step: int, netspace: NetSpace) -> None:
        """Keep a copy: the training goes on with the buffers of the original."""
        del step
        self._best = jax.tree.map(jnp.copy, netspace)

    def restore_best(self, like: NetSpace, step: int) -> NetSpace | None:
        """The best so far."""
        del like, step
        return self._best

    def forget(self, which: Literal["last", "best"]) -> None:
        """Nothing is kept that could mislead."""

    def log(self, metrics: dict[str, int | float]) -> None:
        """Metrics of a step, to the callback."""
        self._callback(int(metrics["step"]), {name: value for name, value in metrics.items() if name != "step"})


@dataclasses.dataclass
class _Run:
    """A training under way: what is carried from one event to the next."""

    state: TrainState
    data: TrainData
    progress: Progress
    began: float


def train_netspace(
    data: TrainData,
    config: NetSpaceConfig,
    *,
    select: Select,
    mesh: Mesh,
    store: Store,
    windows: Windows | None = None,
    on_progress: OnProgress = lambda step, steps, loss: None,
) -> tuple[NetSpace, Progress]:
    """Train a NetSpace, or go on with a training that was interrupted; returns the best."""
    began = time.perf_counter()
    training = make_training(config, tuple(data.groups), mesh)
    data = put_everywhere(data, mesh)
    abstract = jax.eval_shape(training.init, data)
    like = jax.eval_shape(lambda state: dataclasses.replace(data.netspace, params=state.params), abstract)
    state, progress = store.restore_last(abstract, mesh) or (training.init(data), Progress())
    run = _Run(state, data, progress, began)
    _restore_lost(run, training, config, store, like)
    window_steps = config.resident // (config.networks // len(data.groups)) if windows else 0
    window, waiting, start = 0, None, int(run.state.step)
    for event in events(config, start, window_steps):
        if windows and start // window_steps != window:
            window = start // window_steps
            run.data = dataclasses.replace(run.data, groups=put_everywhere(windows(window), mesh))
        corrected = start >= correction_begins(config)
        if start == correction_begins(config):
            run.state = training.reset_optimizer(run.state)
        run.state, losses = training.advance(run.state, run.data, event.step - start, corrected)
        if waiting:  # read now that the device has something to do
            _report(*waiting, config, store, on_progress)
        waiting = event, losses
        if event.validate:
            _report(*waiting, config, store, on_progress)
            waiting = None
            _validate(run, event.step, corrected, config, store=store, select=select)
        start = event.step
    best = store.restore_best(like, run.progress.best_step)
    if best is None:
        raise InputError("the best NetSpace was lost after it was saved: the same command makes it again")
    return best, run.progress


def _restore_lost(run: _Run, training: TrainingFunctions, config: NetSpaceConfig, store: Store, like: NetSpace) -> None:
    """Go on without the best that was kept, where it was lost: from the same state, or from the beginning."""
    progress = run.progress
    if progress.best_step < 0 or store.restore_best(like, progress.best_step) is not None:
        return
    store.forget("best")
    if progress.best_step == int(run.state.step):
        store.save_best(progress.best_step, _current(run, progress.best_step > correction_begins(config), config))
    else:  # what it was is not known any more: the training comes to the same again
        store.forget("last")
        run.state, run.progress = training.init(run.data), Progress(progress.seconds)


def _current(run: _Run, corrected: bool, config: NetSpaceConfig) -> NetSpace:
    """The NetSpace so far. What is not trained yet corrects nothing."""
    corrections = config.corrections if corrected else 0
    return dataclasses.replace(run.data.netspace, params=run.state.params, corrections=corrections)


def _validate(run: _Run, step: int, corrected: bool, config: NetSpaceConfig, *, store: Store, select: Select) -> None:
    """Keep the NetSpace if it is the best so far, and what to go on from."""
    current, progress = _current(run, corrected, config), run.progress
    metric = agreed(select(current))
    store.log({"step": step, f"validation_{config.select}": metric})
    outdated = corrected and progress.best_step <= correction_begins(config)
    if metric > progress.best or np.isnan(progress.best) or progress.best_step < 0 or outdated:
        progress = dataclasses.replace(progress, best=metric, best_step=step)
        store.save_best(step, current)
    seconds = progress.seconds + time.perf_counter() - run.began
    run.progress, run.began = dataclasses.replace(progress, seconds=seconds), time.perf_counter()
    store.save_last(run.state, run.progress)


def _report(event: "Event", losses: Losses, config: NetSpaceConfig, store: Store, on_progress: OnProgress) -> None:
    on_progress(event.step, config.steps, float(losses.total))
    if event.log:
        store.log({"step": event.step, **{name: float(value) for name, value in vars(losses).items()}})


def as_space(
    netspace: NetSpace, groups: Mapping[int, Group], dataset: Dataset, validation: Mapping[int, Group] | None = None
) -> Space:
    """A trained NetSpace with the embeddings of the networks that trained it, calibrated where it reads tasks.

    Args:
      validation: networks that did not; without any the space finds no networks from examples.
    """
    embeddings = {
        netspace.names[i]: embed_members(netspace, i, group.parameters, dataset, group.indices)
        for i, group in groups.items()
    }
    fields = {field.name: getattr(netspace, field.name) for field in dataclasses.fields(NetSpace)}
    return Space(**fields, embeddings=embeddings, calibration=calibrate(netspace, dataset, validation or {}))


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
