"""A zoo on disk: chunks of flat parameters written by Orbax, and tables of members.

.lock                       who writes there
config.json                 what made it: the domain and its `ZooConfig`; of an imported zoo, what of it says which data
                            its networks are scored on and how they are split
chunk_sizes.json            networks of a chunk, by architecture, where the memory of an accelerator said it
chunks/<architecture>-00000/   Orbax: `parameters`, float32 (rows of the chunk, parameters); rows that no member names
                            are padding
chunks/<architecture>-00000.csv   its members; its presence says that the chunk is finished
members.csv                 all members; its presence says that the zoo is finished
zoo.json                    version of this format, seconds of training, summed over interruptions, summary of scores,
                            checksums of itself, of config.json and of the tables; of an imported zoo, also the SHA-256
                            of its data
left_out.csv                of an imported zoo: what was not imported, and why
"""

import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jaxtyping import Array, Float

from netspace_jax.errors import InputError
from netspace_jax.files import canonical_json, checksum, disk_errors, location, read_json, reason_of, write_text
from netspace_jax.ops.devices import is_first, wait_for_all
from netspace_jax.signals import writing
from netspace_jax.zoo.plan import Chunk, chunk_name
from netspace_jax.zoo.table import REMEDY, Members, by_index, read_table, summary_of, table
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
    return Zoo(members, description, summary, lambda some: _read_rows(place, some), place)


class ZooWriter:
    """Writes a zoo into its directory, chunk after chunk, or goes on where another stopped.

    Raises:
      InputError: zoo.json is damaged.
    """

    def __init__(self, directory: epath.Path, seconds: float = 0.0):
        self._directory, self._began = directory, time.perf_counter()
        begun = (directory / "zoo.json").exists()
        facts = _read_summary(directory, ("seconds",)) if begun else {"seconds": seconds}
        self._earlier, self._tables = float(facts["seconds"]), {**facts.get("tables", {})}

    def has(self, chunk: Chunk) -> bool:
        """Whether a chunk is finished."""
        return self._table(chunk).exists()

    def write(self, chunk: Chunk, flat: Float[Array | np.ndarray, "row size"], members: Members) -> None:
        """A chunk that is finished; each process writes the parameters that lie on its devices."""
        path = self._directory / "chunks" / chunk.name
        if is_first() and path.exists():
            path.rmtree()
        wait_for_all(f"room for {chunk.name}")
        with writing(), disk_errors(path), ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save(path, {"parameters": flat})
        text = table(members)
        self._tables[chunk.name] = checksum(text)
        self._summarise({"seconds": self._seconds, "tables": self._tables})
        write_text(self._table(chunk), text)

    def finish(self, chunks: Sequence[Chunk], remedy: str, **facts: Any) -> Zoo:
        """The tables of all members.

        Args:
          remedy: for a zoo of which every network diverged.
          facts: what else zoo.json says.

        Raises:
          InputError: every network diverged, or the table of a chunk cannot be read or has other members.
        """
        wait_for_all("the tables of all chunks")
        members = by_index(Members.joined([self._read(chunk) for chunk in chunks]))
        text, description = table(members), read_json(self._directory / "config.json")
        self._summarise(
            {
                "format": FORMAT,
                **facts,
                "seconds": self._seconds,
                **summary_of(members, remedy),
                "config": checksum(canonical_json(description)),
                "tables": self._tables,
                "table": checksum(text),
            }
        )
        write_text(self._directory / "members.csv", text)
        wait_for_all("the table of members")
        return open_zoo(self._directory)

    @property
    def _seconds(self) -> float:
        return self._earlier + time.perf_counter() - self._began

    def _summarise(self, facts: dict[str, Any]) -> None:
        """Write zoo.json, with a checksum of what it says."""
        text = json.dumps({**facts, "checksum": checksum(json.dumps(facts))}, indent=1)
        write_text(self._directory / "zoo.json", text)

    def _table(self, chunk: Chunk) -> epath.Path:
        return self._directory / "chunks" / f"{chunk.name}.csv"

    def _read(self, chunk: Chunk) -> Members:
        path = self._table(chunk)
        members = read_table(path, self._tables.get(chunk.name, ""))
        if tuple(members.index.tolist()) != chunk.indices or set(members.chunk) != {chunk.number}:
            raise InputError(f"{path} does not have the members of its chunk: rename it, and they are trained again")
        return members


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


def _read_rows(directory: epath.Path, members: Members) -> Float[np.ndarray, "member size"]:
    """Parameters of some members of one chunk, which is read whole.

    Raises:
      InputError: it cannot be read, or is not what its table says.
    """
    name = chunk_name(members[0].architecture, members[0].chunk)
    path = directory / "chunks" / name
    again = (
        f"bring it back from a copy; of a zoo that was trained here, {name}.csv and members.csv can be renamed, and "
        "the command that made it trains these members again"
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
