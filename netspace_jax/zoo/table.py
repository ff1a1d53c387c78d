"""The table of a zoo's members: columns in memory, CSV on disk.

`members.score_test` is a column, `members[members.split == "test"]` are some of the rows, `members[0].score_test` is a
cell, and `pandas.DataFrame(members.columns)` a data frame. The columns that every zoo has:

architecture, index   what the network is; its number among those of its architecture
item                  name of what it is about (a shape), or empty
split                 `train`, `validation`, `test` or `teacher`
status                `finite`, or `diverged` where a parameter is not
seed, steps, learning_rate, loss   of its training; None, an empty cell, where it was trained elsewhere
initialisation        `own` or `shared`; `unknown` where it was trained elsewhere
score_validation, score_test       by the metric of its domain
chunk, row            where its parameters lie
checksum              CRC-32 of the parameters, in hexadecimal digits
file, sha256          of an imported network: its name where it came from, and the hash of that file, or of the
                      parameters where it was none

A domain may add columns of numbers. Tables of version 1 lack the columns `file` and `sha256`.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, overload

import numpy as np
from etils import epath
from jaxtyping import Shaped

from netspace_jax.errors import InputError
from netspace_jax.files import checksum, csv_text, location, reason_of

COLUMNS: dict[str, type] = {
    "architecture": str, "index": int, "item": str, "split": str, "status": str, "seed": int, "initialisation": str,
    "steps": int, "learning_rate": float, "loss": float, "score_validation": float, "score_test": float,
    "chunk": int, "row": int, "checksum": str, "file": str, "sha256": str,
}  # fmt: skip
"""The columns that every zoo has, in the order of the table."""

_MAY_BE_EMPTY = ("seed", "steps", "learning_rate", "loss")

REMEDY = (
    "bring it back from a copy; of a zoo that was trained here, zoo.json and members.csv are also made again from its "
    "chunks by the command that made it, once both are renamed"
)


class Members:
    """Members as columns, NumPy arrays of one length; iterated over it yields rows, whose attributes are the cells.

    Args:
      columns: sequences or arrays by name; of those that every zoo has, missing ones are empty.
    """

    def __init__(self, columns: Mapping[str, Any]):
        count = len(columns["index"])
        empty = {name: np.full(count, "" if kind is str else None) for name, kind in COLUMNS.items()}
        self.columns = {name: _held(values) for name, values in {**empty, **columns}.items()}

    @classmethod
    def joined(cls, parts: Sequence["Members"]) -> "Members":
        """The rows of several tables that have the same columns, one after another."""
        return cls({name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns})

    def __getattr__(self, name: str) -> Any:
        if name == "columns" or name not in self.columns:
            raise AttributeError(f"members have no column {name!r}")
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["index"])

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice | np.ndarray) -> "Members": ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice | np.ndarray):
            return Members({name: values[index] for name, values in self.columns.items()})
        return SimpleNamespace(
            **{name: values[index : index + 1 or None].tolist()[0] for name, values in self.columns.items()}
        )

    def __iter__(self) -> Iterator[Any]:
        return (self[row] for row in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Members) and table(self) == table(other)

    __hash__ = None  # type: ignore[assignment]


def by_index(members: Members) -> Members:
    """The members of each architecture by their indices, architectures in the order in which they come."""
    names = {name: place for place, name in enumerate(dict.fromkeys(members.architecture))}
    return members[np.lexsort((members.index, [names[name] for name in members.architecture]))]


def by_chunk(members: Members) -> list[Members]:
    """Members of one architecture, chunk after chunk."""
    return [members[members.chunk == number] for number in np.unique(members.chunk)]


def summary_of(members: Members, remedy: str) -> dict[str, int | float]:
    """Numbers of members and of those that diverged, and the lowest, mean and highest score of the others.

    Raises:
      InputError: every network diverged; the message ends with the remedy.
    """
    finite = members.status == "finite"
    scores = members.score_test[finite & (members.split != "teacher")]
    if not len(scores):
        raise InputError(f"every network of the zoo diverged: {remedy}")
    return {
        "members": len(members),
        "diverged": int((~finite).sum()),
        "score_min": float(np.min(scores)),
        "score_mean": float(np.mean(scores)),
        "score_max": float(np.max(scores)),
    }


def _held(values: Any) -> Shaped[np.ndarray, "member"]:
    """Text and what may be None as objects, numbers as 64 bits."""
    column = np.asarray(values)
    kinds = {"f": np.float64, "i": np.int64, "u": np.int64, "b": np.int64}
    return column.astype(kinds.get(column.dtype.kind, object))


def table(members: Members) -> str:
    """Members as CSV."""
    return csv_text({name: values.tolist() for name, values in members.columns.items()})


def read_table(path: epath.PathLike, written: str = "") -> Members:
    """Members from CSV.

    Args:
      written: checksum of the table when it was written; empty where that is not known.

    Raises:
      InputError: the file is missing, not such a table, or not as it was written.
    """
    path = location(path)
    try:
        text = path.read_text()
        if written and checksum(text) != written:
            raise ValueError("its checksum is not that in zoo.json")
        header, *rows = csv.reader(io.StringIO(text))
        if any(len(row) != len(header) for row in rows):
            raise ValueError("a row has not as many values as there are columns")
        cells = dict(zip(header, zip(*rows, strict=True) if rows else [()] * len(header), strict=True))
        missing = [name for name in COLUMNS if name not in (*cells, "file", "sha256")]
        if missing:
            raise ValueError(f"there is no column {missing[0]}")
        members = Members({name: _parsed(name, values) for name, values in cells.items()})
        if not set(members.status) <= {"finite", "diverged"}:
            raise ValueError("a status is neither finite nor diverged")
        if len(set(zip(members.architecture, members.index, strict=True))) != len(rows):
            raise ValueError("a member is there twice")
        return members
    except (OSError, UnicodeDecodeError, ValueError, csv.Error) as error:
        raise InputError(f"{path} is not a readable table of members ({reason_of(error)}): {REMEDY}") from error


def _parsed(name: str, cells: Sequence[str]) -> Shaped[np.ndarray, "member"]:
    """Cells of a column as its values: None for an empty cell, where there may be one.

    Raises:
      ValueError: a cell is no such value.
    """
    kind = COLUMNS.get(name, float)
    if kind is not str and "" in cells and (name in _MAY_BE_EMPTY or name not in COLUMNS):
        return np.array([kind(cell) if cell else None for cell in cells], object)
    return np.array(cells, object if kind is str else kind)
