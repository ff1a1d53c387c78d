"""A run's directory: configuration, metrics as they come, checkpoints to go on from, and the best one to use.

    config.json         what the run is; another configuration is refused here
    metrics.jsonl       one line a logging step
    metrics.json        the final figures, name: number
    checkpoints/last    Orbax: the state to go on from, and seconds spent so far
    checkpoints/best    Orbax: parameters and constants of the best NetSpace by validation
    figures/, report.html
"""

import dataclasses
import json
import math
import zlib
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.sharding import Mesh, Sharding, SingleDeviceSharding
from jaxtyping import PyTree

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig, rebuild
from netspace_jax.errors import InputError
from netspace_jax.files import append_text, disk_errors, location, read_json, write_text
from netspace_jax.ops.devices import everywhere, is_first, wait_for_all
from netspace_jax.space.netspace import Constants
from netspace_jax.space.training import TrainState


@dataclasses.dataclass(frozen=True)
class Progress:
    """What is known of a training beside its state."""

    seconds: float = 0.0
    best: float = float("-inf")
    """Merit of the best checkpoint so far: higher is better."""
    best_step: int = -1


class RunDirectory:
    """One run on disk.

    Raises:
      InputError: the directory belongs to another configuration (naming the fields that differ) or is something else.
    """

    def __init__(self, path: epath.PathLike, config: RunConfig, fresh: bool = False):
        self.path = location(path)
        wait_for_all("a look at the run's directory")
        if fresh and (self.path / "config.json").exists():
            read_config(self.path)  # Only a run is deleted, never what else may hold a file of that name.
            wait_for_all("the old run is known")
            if is_first():
                self.path.rmtree()
            wait_for_all("the old run is deleted")
        if (self.path / "config.json").exists():
            different = differences(read_config(self.path), config)
            if different:
                raise InputError(f"{path} belongs to another configuration ({'; '.join(different)}): "
                                 f"choose another --out, or --fresh to start anew")
        elif self.path.exists() and any(self.path.iterdir()):
            raise InputError(f"{path} is not empty and not a run: choose another --out")
        wait_for_all("all have looked at the run's directory")
        write_text(self.path / "config.json", json.dumps(dataclasses.asdict(config), indent=1))

    def save_best(self, step: int, params: PyTree, constants: Constants) -> None:
        """Keep the NetSpace of `step` as the best, in place of the one before."""
        _save(self.path / "checkpoints" / "best", step, {"params": params, "constants": constants}, {})

    def save_last(self, state: TrainState, progress: Progress) -> None:
        """Save what a resumed run goes on from."""
        _save(self.path / "checkpoints" / "last", int(state.step), state, dataclasses.asdict(progress))

    def restore_last(self, like: TrainState, mesh: Mesh) -> tuple[TrainState, Progress] | None:
        """The state to go on from, on each device of `mesh`, or None for a run that has not saved yet.

        Metrics that were logged after that state are dropped: they will come again.

        Raises:
          InputError: the checkpoint cannot be read.
        """
        found = _restore(self.path / "checkpoints" / "last", like, everywhere(mesh))
        log = self.path / "metrics.jsonl"
        if log.exists():
            done = found.step if found else 0
            lines = [line for line in log.read_text().splitlines() if _step_of(line) <= done]
            write_text(log, "".join(line + "\n" for line in lines))
        return (found.tree, Progress(**found.record)) if found else None

    def log(self, metrics: dict[str, int | float]) -> None:
        """Append one line to metrics.jsonl."""
        append_text(self.path / "metrics.jsonl", json.dumps(metrics) + "\n")

    def write_metrics(self, metrics: dict[str, int | float]) -> None:
        """Write metrics.json; what is not finite, as Kendall's τ of equal accuracies, becomes null, since JSON has no NaN."""
        values = {name: value if math.isfinite(value) else None for name, value in sorted(metrics.items())}
        write_text(self.path / "metrics.json", json.dumps(values, indent=1, allow_nan=False) + "\n")


def read_config(path: epath.PathLike) -> RunConfig:
    """Configuration of the run in a directory.

    Raises:
      InputError: there is none, or it is not one.
    """
    written = location(path) / "config.json"
    values = read_json(written)
    try:
        return RunConfig(values["name"], rebuild(ZooConfig, values["zoo"]), rebuild(NetSpaceConfig, values["netspace"]))
    except (KeyError, TypeError) as error:
        raise InputError(f"{written} is not the configuration of a run ({error})") from error


def restore_best(path: epath.PathLike, params: PyTree, constants: PyTree) -> tuple[PyTree, Constants, int]:
    """Parameters and constants of a run's best NetSpace, and the step that it is of.

    Args:
      params, constants: abstract trees of what is to be read.

    Raises:
      InputError: there is none, or it cannot be read.
    """
    here = SingleDeviceSharding(jax.local_devices()[0])
    found = _restore(location(path) / "checkpoints" / "best", {"params": params, "constants": constants}, here)
    if found is None:
        raise InputError(f"{path} holds no finished run; the command that began it goes on with it")
    return found.tree["params"], found.tree["constants"], found.step


def differences(old: RunConfig, new: RunConfig) -> list[str]:
    """Fields in which two configurations differ, as `zoo.steps 400 → 500`; where data lies does not count."""
    found = []
    for part in ("zoo", "netspace"):
        for field in dataclasses.fields(getattr(old, part)):
            a, b = getattr(getattr(old, part), field.name), getattr(getattr(new, part), field.name)
            if a != b and field.name != "data_dir":
                found.append(f"{part}.{field.name} {a} → {b}")
    return found


def _manager(directory: epath.Path) -> ocp.CheckpointManager:
    return ocp.CheckpointManager(directory, options=ocp.CheckpointManagerOptions(max_to_keep=1, create=True))


def _save(directory: epath.Path, step: int, tree: PyTree, record: dict[str, Any]) -> None:
    with disk_errors(directory), _manager(directory) as manager:
        if step in manager.all_steps():
            manager.delete(step)
        manager.save(step, args=ocp.args.Composite(
            tree=ocp.args.StandardSave(tree), record=ocp.args.JsonSave({**record, "checksum": _checksum(tree)})))


class _Restored(NamedTuple):
    tree: PyTree
    record: dict[str, Any]
    step: int


def _restore(directory: epath.Path, like: PyTree, sharding: Sharding) -> _Restored | None:
    if not directory.exists():
        return None
    try:
        with _manager(directory) as manager:
            step = manager.latest_step()
            if step is None:
                return None
            found = manager.restore(step, args=ocp.args.Composite(
                tree=ocp.args.StandardRestore(_abstract(like, sharding)), record=ocp.args.JsonRestore()))
        record = dict(found["record"])
        if record.pop("checksum") != _checksum(found["tree"]):
            raise ValueError("its values are not those that were saved")
        return _Restored(found["tree"], record, step)
    except Exception as error:  # Orbax and TensorStore raise many kinds; all mean that the checkpoint cannot be read.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"checkpoint {directory} cannot be read ({reason[:160]}); --fresh starts the run anew") from error


def _checksum(tree: PyTree) -> str:
    """Of all values; the files' own checksums leave some of what is in them out."""
    total = 0
    for leaf in jax.tree.leaves(tree):
        total = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), total)
    return f"{total:08x}"


def _abstract(tree: PyTree, sharding: Sharding) -> PyTree:
    return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), tree)


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return float("inf")
