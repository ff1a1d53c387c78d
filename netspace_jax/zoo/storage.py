"""A zoo on disk: chunks of flat parameters written by Orbax, and tables of members.

.lock                       who writes there
config.json                 what made it: the domain and its `ZooConfig`; of an imported zoo, what of it says which data
                            its networks are scored on and how they are split
chunk_sizes.json            networks of a chunk, by architecture, where the memory of an accelerator said it
chunks/<architecture>-00000/   Orbax: `parameters`, float32 (rows of the chunk, parameters); rows that no member names
                            are padding
chunks/<architecture>-00000.csv   its members; its presence says that the chunk is finished
members.csv                 all members; its presence says that the zoo is finished
shared.safetensors          what all networks of an architecture have in common, where there is such: tensors by name
                            of the architecture and of their own, with `/` between
zoo.json                    version of this format, seconds of training, summed over interruptions, summary of scores,
                            checksums of itself, of config.json and of the tables; of an imported zoo, also the SHA-256
                            of its data
left_out.csv                of an imported zoo: what was not imported, and why
"""

import json
import time
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float, Int, PyTree
from safetensors import SafetensorError
from safetensors.numpy import load, save

from netspace_jax.errors import InputError
from netspace_jax.files import (
    canonical_json,
    checksum,
    disk_errors,
    location,
    new_directory,
    read_json,
    reason_of,
    write_bytes,
    write_text,
)
from netspace_jax.ops.devices import is_first, wait_for_all
from netspace_jax.signals import writing
from netspace_jax.zoo.table import REMEDY, Members, by_chunk, by_index, read_table, summary_of, table
from netspace_jax.zoo.zoo import Zoo

FORMAT = 2
"""Version of the tables and of zoo.json."""

_SUMMARY = ("seconds", "members", "diverged", "score_min", "score_mean", "score_max")


def open_zoo(directory: epath.PathLike) -> Zoo:
    """A finished zoo. Parameters are read from disk when they are asked for.

    Raises:
      InputError: the directory holds no finished zoo, or one that cannot be read.
    """
    place = location(directory)
    if not (place / "members.csv").exists():
        unfinished = (place / "config.json").exists()
        raise InputError(
            f"{directory} holds {'an unfinished' if unfinished else 'no'} zoo"
            + ("; the command that began it goes on with it" if unfinished else "")
        )
    description, summary = read_json(place / "config.json"), _read_summary(place, _SUMMARY)
    made = checksum(canonical_json(description))
    if summary.get("config", made) != made:
        raise InputError(f"{place / 'config.json'} is damaged: it is not what made the zoo: bring it back from a copy")
    members = read_table(place / "members.csv", summary.get("table", ""))
    if len(members) != summary["members"]:
        raise InputError(
            f"{place / 'members.csv'} has {len(members)} members where zoo.json counts {summary['members']}: {REMEDY}"
        )
    return Zoo(members, description, summary, lambda some: _read_rows(place, some), _read_shared(place), place)


def save_zoo(zoo: Zoo, directory: epath.PathLike, beside: Mapping[str, str] = {}) -> Zoo:
    """Write a zoo into a new directory, which appears at once, complete.

    Raises:
      InputError: the directory is not empty.
    """
    with new_directory(directory) as place:
        for name, text in {"config.json": json.dumps(zoo.description, indent=1), **beside}.items():
            write_text(place / name, text)
        writer = ZooWriter(place, zoo.shared)
        for name in zoo.architectures:
            for chunk in by_chunk(zoo.members[zoo.members.architecture == name]):
                members = chunk[np.argsort(chunk.row)]
                writer.write(zoo.rows(members), members)
        writer.finish("", **zoo.summary)
    return open_zoo(directory)


class ZooWriter:
    """Writes a zoo into its directory, chunk after chunk, or goes on where another stopped.

    Raises:
      InputError: zoo.json is damaged.
    """

    def __init__(self, directory: epath.Path, shared: Mapping[str, PyTree]):
        if shared:
            write_bytes(directory / "shared.safetensors", save(jax.tree.map(np.asarray, flatten_dict(shared, sep="/"))))
        begun = (directory / "zoo.json").exists()
        facts: dict[str, Any] = _read_summary(directory, ("seconds",)) if begun else {"seconds": 0.0}
        self._directory, self._began = directory, time.perf_counter() - facts["seconds"]
        self._tables, self._parts = {**facts.get("tables", {})}, []

    def is_finished(self, architecture: str, chunk: int, indices: Int[np.ndarray, "row"]) -> bool:
        """Whether a chunk is there; if so, its members are read.

        Raises:
          InputError: its table cannot be read or has other members.
        """
        path = _chunk(self._directory, architecture, chunk, ".csv")
        if not path.exists():
            return False
        members = read_table(path, self._tables.get(path.stem, ""))
        if not np.array_equal(members.index, indices) or set(members.chunk) != {chunk}:
            raise InputError(f"{path} does not have the members of its chunk: rename it, and they are trained again")
        self._parts.append(members)
        return True

    def write(self, flat: Float[Array | np.ndarray, "row size"], members: Members) -> None:
        """Write a chunk; each process writes the parameters that lie on its devices."""
        path = _chunk(self._directory, members[0].architecture, members[0].chunk)
        if is_first() and path.exists():
            path.rmtree()
        wait_for_all(f"room for {path.name}")
        with writing(), disk_errors(path), ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(path, {"parameters": flat})
        text = table(members)
        self._parts.append(members)
        self._tables[path.name] = checksum(text)
        self._summarise({"seconds": time.perf_counter() - self._began, "tables": self._tables})
        write_text(path.with_name(f"{path.name}.csv"), text)

    def finish(self, remedy: str, **facts: Any) -> Zoo:
        """Write the table of all members.

        Raises:
          InputError: every network diverged.
        """
        members = by_index(Members.joined(self._parts))
        text, description = table(members), read_json(self._directory / "config.json")
        sums = {"config": checksum(canonical_json(description)), "tables": self._tables, "table": checksum(text)}
        seconds = time.perf_counter() - self._began
        self._summarise({"format": FORMAT, "seconds": seconds, **facts, **summary_of(members, remedy), **sums})
        write_text(self._directory / "members.csv", text)
        wait_for_all("the table of members")
        return open_zoo(self._directory)

    def _summarise(self, facts: dict[str, Any]) -> None:
        """Write zoo.json, with a checksum of what it says."""
        text = json.dumps({**facts, "checksum": checksum(json.dumps(facts))}, indent=1)
        write_text(self._directory / "zoo.json", text)


def _chunk(directory: epath.Path, architecture: str, number: int, suffix: str = "") -> epath.Path:
    """Where a chunk's parameters lie, or with the suffix `.csv` its table."""
    return directory / "chunks" / f"{architecture}-{number:05d}{suffix}"


def _read_summary(directory: epath.Path, names: tuple[str, ...]) -> dict[str, Any]:
    """What zoo.json says, of which the numbers named have to be there.

    Raises:
      InputError: the file is missing, lacks one, or is of a newer version.
    """
    path = directory / "zoo.json"
    summary = read_json(path)
    if isinstance(summary, dict) and summary.get("format", 1) not in range(1, FORMAT + 1):
        raise InputError(
            f"{path} has format {summary['format']}; this version of netspace_jax reads formats up to {FORMAT}"
        )
    if not isinstance(summary, dict) or not all(isinstance(summary.get(name), int | float) for name in names):
        raise InputError(f"{path} does not have the numbers {', '.join(names)}: {REMEDY}")
    facts = {name: value for name, value in summary.items() if name != "checksum"}
    if "checksum" in summary and checksum(json.dumps(facts)) != summary["checksum"]:
        raise InputError(f"{path} is damaged: its values are not those that were written: {REMEDY}")
    return summary


def _read_shared(directory: epath.Path) -> dict[str, PyTree]:
    """Raises an InputError where what networks share cannot be read."""
    path = directory / "shared.safetensors"
    if not path.exists():
        return {}
    try:
        return unflatten_dict(load(path.read_bytes()), sep="/")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be read ({reason_of(error)}): bring it back from a copy") from error


def _read_rows(directory: epath.Path, members: Members) -> Float[np.ndarray, "member size"]:
    """Parameters of some members of one chunk, which is read whole.

    Raises:
      InputError: it cannot be read, or is not what its table says.
    """
    path = _chunk(directory, members[0].architecture, members[0].chunk)
    again = (
        f"bring it back from a copy; of a zoo that was trained here, {path.name}.csv and members.csv can be renamed, "
        "and the command that made it trains these members again"
    )
    try:
        as_numpy = ocp.args.PyTreeRestore(restore_args={"parameters": ocp.RestoreArgs(restore_type=np.ndarray)})
        with ocp.PyTreeCheckpointer() as checkpointer:
            parameters = checkpointer.restore(path, as_numpy)["parameters"]
    # What Orbax and TensorStore raise for files that are missing or damaged; a fault of ours or of the machine's memory
    # is none of these and is not hidden.
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({reason_of(error)}): {again}") from error
    inside = members.row < len(parameters)
    rows = parameters[members.row * inside]
    right = np.array([checksum(row) for row in rows], object) == members.checksum
    if not (right & inside).all():
        damaged = members[int(np.argmin(right & inside))]
        raise InputError(f"{path} is damaged: member {damaged.index} is not what members.csv says: {again}")
    return rows
