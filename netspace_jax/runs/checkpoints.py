"""Checkpoints by Orbax, one at a time in a folder, with a checksum of all values: the files' own leave some out."""

from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp
from etils import epath
from jax.sharding import Sharding
from jaxtyping import PyTree

from netspace_jax.errors import InputError
from netspace_jax.files import checksum, disk_errors, reason_of
from netspace_jax.signals import writing

# What Orbax and TensorStore raise for files that are missing or damaged, beside bare `Exception`s that Orbax raises in
# place of TensorStore's. A fault of ours or of the machine's memory is none of these and is not hidden.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)


class Unreadable(InputError):
    """A checkpoint is there and cannot be read."""


class Restored(NamedTuple):
    """A checkpoint that was read: its tree, what was noted beside it, and its step."""

    tree: PyTree
    record: dict[str, Any]
    step: int


def save(folder: epath.Path, step: int, tree: PyTree, record: dict[str, Any]) -> None:
    """Write a checkpoint; the one before is then deleted."""
    with writing(), disk_errors(folder), _manager(folder) as manager:
        if step in manager.all_steps():
            manager.delete(step)
        noted = {**record, "checksum": checksum(*jax.tree.leaves(tree))}
        manager.save(step, args=ocp.args.Composite(tree=ocp.args.StandardSave(tree), record=ocp.args.JsonSave(noted)))


def restore(folder: epath.Path, like: PyTree, sharding: Sharding) -> Restored | None:
    """The checkpoint in a folder, or None.

    Raises:
      Unreadable: it cannot be read.
    """
    if not folder.exists():
        return None
    try:
        with _manager(folder) as manager:
            step = manager.latest_step()
            if step is None:
                return None
            abstract = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), like)
            wanted = ocp.args.Composite(tree=ocp.args.StandardRestore(abstract), record=ocp.args.JsonRestore())
            found = manager.restore(step, args=wanted)
        record = dict(found["record"])
        tree = found["tree"]
        damaged = record.pop("checksum") != checksum(*jax.tree.leaves(tree))
    except Exception as error:
        if type(error) is not Exception and not isinstance(error, _DAMAGE):
            raise
        raise Unreadable(
            f"checkpoint {folder} cannot be read ({reason_of(error)}): bring it back from a copy, or choose another "
            f"--out"
        ) from error
    if damaged:
        raise Unreadable(
            f"checkpoint {folder} is damaged: its values are not those that were saved; --fresh starts the run anew"
        )
    return Restored(tree, record, step)


def latest_step(folder: epath.Path) -> int | None:
    """Step of the checkpoint in a folder."""
    steps = [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
    return max(steps, default=None)


def _manager(folder: epath.Path) -> ocp.CheckpointManager:
    return ocp.CheckpointManager(folder, options=ocp.CheckpointManagerOptions(max_to_keep=1, create=True))
