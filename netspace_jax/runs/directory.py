"""A run's directory: configuration, metrics as they come, checkpoints, and the trained space.

config.json         what the run is; another configuration is refused here
metrics.jsonl       one line a logging step
metrics.json        the final figures, name: number
checkpoints/last    Orbax: the state to go on from, and seconds spent so far
checkpoints/best    Orbax: the best NetSpace by the selection metric
space/              the trained space, which needs nothing beside it
figures/, report.html
"""

import dataclasses
import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import jax
from etils import epath
from jax.sharding import Mesh, SingleDeviceSharding
from jaxtyping import PyTree

from netspace_jax.errors import InputError
from netspace_jax.files import BESIDE, append_text, location, read_json, write_text
from netspace_jax.ops.devices import everywhere, is_first, wait_for_all
from netspace_jax.runs import checkpoints
from netspace_jax.runs.description import check_directory, write_description
from netspace_jax.runs.log import lines_of, step_of
from netspace_jax.space import load
from netspace_jax.space.loop import OnMetrics, Progress
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.step import TrainState


class RunDirectory:
    """One run on disk; what a training keeps its state in (`netspace_jax.space.loop.Store`).

    Args:
      description: what the run is, as JSON holds it: the fields of a `RunConfig`, and the name of the zoo's folder.
      defaults: of the fields of its zoo and NetSpace, which an older run had where it does not name them.
      on_metrics: called with a step and its metrics, as they are written, in the first process only.

    Raises:
      InputError: the directory belongs to another configuration (naming the fields that differ) or is something else.
    """

    def __init__(
        self,
        path: epath.PathLike,
        description: Mapping[str, Any],
        fresh: bool = False,
        defaults: Mapping[str, Mapping[str, Any]] | None = None,
        on_metrics: OnMetrics = lambda step, metrics: None,
    ):
        self.path, self._on_metrics = location(path), on_metrics
        wait_for_all("a look at the run's directory")
        check_directory(path, description, fresh, defaults)
        wait_for_all("all have looked at the run's directory")
        if fresh and is_first() and (self.path / "config.json").exists():
            _empty(self.path)
        wait_for_all("the old run is deleted")
        write_description(self.path, description)

    def save_best(self, step: int, netspace: NetSpace) -> None:
        """Keep the NetSpace of `step` as the best, in place of the one before."""
        tree = {"params": netspace.params, "constants": netspace.constants}
        checkpoints.save(self.path / "checkpoints" / "best", step, tree, {})

    def save_last(self, state: TrainState, progress: Progress) -> None:
        """Save what a resumed run goes on from."""
        checkpoints.save(self.path / "checkpoints" / "last", int(state.step), state, vars(progress))

    def restore_last(self, like: TrainState, mesh: Mesh) -> tuple[TrainState, Progress] | None:
        """The state to go on from, on each device of `mesh`, or None for a run that has not saved yet.

        Metrics that were logged after that state are dropped: they will come again.

        Raises:
          InputError: the checkpoint cannot be read.
        """
        found = checkpoints.restore(self.path / "checkpoints" / "last", like, everywhere(mesh))
        progress = self._progress(found.record) if found else None
        if not self._log_is_lost() and (self.path / "metrics.jsonl").exists():
            done = found.step if found else 0
            lines = [line for line in lines_of(self.path) if step_of(line) <= done]
            write_text(self.path / "metrics.jsonl", "".join(line + "\n" for line in lines))
        return (found.tree, progress) if found and progress else None

    def _progress(self, record: Mapping[str, Any]) -> Progress:
        """What was noted beside a state.

        Raises:
          InputError: another version of this package noted it.
        """
        known = {field.name: type(field.default) for field in dataclasses.fields(Progress)}
        if record.keys() != known.keys() or any(not isinstance(record[name], int | float) for name in known):
            raise InputError(
                f"checkpoint {self.path / 'checkpoints' / 'last'} is of another version: it notes "
                f"{', '.join(map(str, record)) or 'nothing'} where this one notes {', '.join(known)}; go on with the "
                f"version that began the run, or choose another --out"
            )
        return Progress(**record)

    def restore_best(self, like: NetSpace, step: int) -> NetSpace | None:
        """The best NetSpace, from its checkpoint, or, where that is lost, from the space that was made of it."""
        here = SingleDeviceSharding(jax.local_devices()[0])
        tree = {"params": like.params, "constants": like.constants}
        try:
            found = checkpoints.restore(self.path / "checkpoints" / "best", tree, here)
        except checkpoints.Unreadable as error:
            logging.warning("%s", error)
            found = None
        if found is not None:
            return dataclasses.replace(like, **found.tree)
        try:
            made = load(self.path / "space")
        except InputError:
            return None  # there is none either
        found = {"params": made.params, "constants": made.constants}
        if _shapes(found) != _shapes(tree):
            return None
        best = dataclasses.replace(like, **found)
        self.forget("best")
        self.save_best(step, best)
        return best

    def forget(self, which: Literal["last", "best"]) -> None:
        """Delete a checkpoint that cannot be gone on from; with the last, the log of the steps before it."""
        if is_first() and (self.path / "checkpoints" / which).exists():
            _delete(self.path / "checkpoints" / which)
        wait_for_all(f"the {which} checkpoint is deleted")
        if which == "last" and not self._log_is_lost():
            write_text(self.path / "metrics.jsonl", "")

    def log(self, metrics: dict[str, int | float]) -> None:
        """Append one line to metrics.jsonl."""
        self._hand_on(int(metrics["step"]), {name: value for name, value in metrics.items() if name != "step"})
        if self._log_is_lost():
            return
        append_text(self.path / "metrics.jsonl", json.dumps(metrics) + "\n")

    def _log_is_lost(self) -> bool:
        """Whether something that is no file is in the log's place; a run does without its curve then."""
        return (self.path / "metrics.jsonl").is_dir()

    def _hand_on(self, step: int, metrics: Mapping[str, int | float]) -> None:
        if is_first():
            self._on_metrics(step, {name: float(value) for name, value in metrics.items()})

    def first_total(self, netspace: float, total: float) -> float:
        """Seconds in all: where nothing was trained since they were first written, those."""
        written = self.path / "metrics.json"
        try:
            earlier = read_json(written) if written.is_file() else None
        except InputError:  # it is written anew
            return total
        if isinstance(earlier, dict) and earlier.get("seconds/netspace") == json.loads(json.dumps(netspace)):
            first = earlier.get("seconds/total")
            return float(first) if isinstance(first, int | float) else total
        return total

    def write_metrics(self, metrics: Mapping[str, int | float], step: int = 0) -> None:
        """Write metrics.json after the last step.

        What is not finite, as Kendall's τ of equal accuracies, becomes null: JSON has no NaN.
        """
        self._hand_on(step, metrics)
        values = {name: value if math.isfinite(value) else None for name, value in sorted(metrics.items())}
        write_text(self.path / "metrics.json", json.dumps(values, indent=1, allow_nan=False) + "\n")


def _empty(directory: epath.Path) -> None:
    """Delete what lies in a directory; links are deleted, and not what they lead to, the directory itself excepted."""
    for found in directory.iterdir():
        if found.name not in BESIDE:
            _delete(found)


def _delete(found: epath.Path) -> None:
    if found.is_dir() and not Path(found).is_symlink():
        found.rmtree()
    else:
        found.unlink()


def _shapes(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: leaf.shape, tree)
