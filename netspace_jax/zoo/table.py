"""The tables of a zoo: one row for each member, as CSV that anyone can read, and as columns in memory.

Version 2 has the columns `file` and `sha256`, and leaves a cell empty where nothing is known, as of how an imported
network was trained. Tables of version 1 are read as such.
"""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_type_hints, overload

import numpy as np
from etils import epath
from jaxtyping import Bool, Int, Shaped

from netspace_jax.errors import InputError
from netspace_jax.files import checksum_of, location, read_json, reason_of

FORMAT = 2
"""Version of the tables and of zoo.json."""

REMEDY = (
    "bring it back from a copy; of a zoo that was trained here, zoo.json and members.csv are also made again from its "
    "chunks by the command that made it, once both are renamed"
)


@dataclasses.dataclass(frozen=True)
class Member:
    """One row of a zoo's table.

    Attributes:
      item: name of what the network is about (a shape), or empty.
      status: `finite`, or `diverged` where a parameter is not.
      seed, steps, learning_rate, loss: of its training; None where it was trained elsewhere.
      initialisation: `own` or `shared`; `unknown` where it was trained elsewhere.
      row: of the chunk's parameters.
      checksum: CRC-32 of the parameters, in hexadecimal digits.
      file: what an imported network was called where it came from; empty of one that was trained here.
      sha256: of that file, or of the parameters where it was none, in hexadecimal digits.
    """

    architecture: str
    index: int
    item: str
    split: str
    status: str
    seed: int | None
    initialisation: str
    steps: int | None
    learning_rate: float | None
    loss: float | None
    score_validation: float
    score_test: float
    chunk: int
    row: int
    checksum: str
    file: str = ""
    sha256: str = ""


# How a column is held: what a field may lack, as `int | None`, and text as objects.
_DTYPES: dict[Any, Any] = {int: np.int64, float: np.float64}
_TYPES: dict[str, Any] = get_type_hints(Member)
_DEFAULTS = {
    field.name: field.default for field in dataclasses.fields(Member) if field.default is not dataclasses.MISSING
}


def _as_column(name: str, values: Any) -> Shaped[np.ndarray, "member"]:
    """Values of a field as they are held."""
    return np.asarray(values, _DTYPES.get(_TYPES[name], object))


def _parsed(name: str, cells: Sequence[str]) -> Shaped[np.ndarray, "member"]:
    """Cells of a table as values of a field; an empty one is None where the field may be.

    Raises:
      ValueError: a cell is none.
    """
    kinds = get_args(_TYPES[name]) or (_TYPES[name],)
    text = np.array(cells, object)
    if kinds == (str,):
        return text
    known = np.asarray(text != "", bool) if type(None) in kinds else np.ones(len(text), bool)
    found = np.full(len(text), None, object)
    found[known] = text[known].astype(_DTYPES[kinds[0]])
    return _as_column(name, found)


class Members(Sequence[Member]):
    """Members as columns, so that tens of thousands are sorted out by NumPy; as a sequence it yields rows.

    Args:
      columns: an array for each field of `Member`, all of one length; a field that has a default may be missing.

    Raises:
      KeyError: a field that has no default is missing.
    """

    def __init__(self, columns: Mapping[str, Shaped[np.ndarray, "member"]]):
        filled = {name: np.full(len(columns["index"]), value, object) for name, value in _DEFAULTS.items()}
        given = {**filled, **columns}
        self._columns = {name: _as_column(name, given[name]) for name in _TYPES}

    @classmethod
    def of(cls, members: Iterable[Member]) -> "Members":
        """Columns of given rows; what is columns already stays as it is."""
        if isinstance(members, Members):
            return members
        rows = list(members)
        return cls({name: _as_column(name, [getattr(row, name) for row in rows]) for name in _TYPES})

    @classmethod
    def joined(cls, parts: Sequence["Members"]) -> "Members":
        """The rows of several tables, one after another."""
        return cls({name: np.concatenate([part.column(name) for part in parts]) for name in _TYPES})

    def column(self, name: str) -> Shaped[np.ndarray, "member"]:
        """One field of all members: integers and floats of 64 bits; objects where it is text or may be None."""
        return self._columns[name]

    def where(self, **wanted: str | int) -> Bool[np.ndarray, "member"]:
        """Which members have these values in these fields."""
        found = np.ones(len(self), bool)
        for name, value in wanted.items():
            found &= np.asarray(self._columns[name] == value, bool)
        return found

    def __len__(self) -> int:
        return len(self._columns["index"])

    @overload
    def __getitem__(self, index: int) -> Member: ...
    @overload
    def __getitem__(self, index: slice | np.ndarray) -> "Members": ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice | np.ndarray):
            return Members({name: values[index] for name, values in self._columns.items()})
        return Member(*(values[index : index + 1 or None].tolist()[0] for values in self._columns.values()))

    def __iter__(self) -> Iterator[Member]:
        return map(Member, *(values.tolist() for values in self._columns.values()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def table(members: Sequence[Member]) -> str:
    """Members as CSV."""
    columns = Members.of(members)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_TYPES)
    writer.writerows(zip(*(columns.column(name).tolist() for name in _TYPES), strict=True))
    return text.getvalue()


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
        if written and checksum_of(text) != written:
            raise ValueError("its checksum is not that in zoo.json")
        header, *rows = csv.reader(io.StringIO(text))
        if any(len(row) != len(header) for row in rows):
            raise ValueError("a row has not as many values as there are columns")
        columns = dict(zip(header, zip(*rows, strict=True) if rows else [()] * len(header), strict=True))
        found = {name: _parsed(name, columns[name]) for name in _TYPES if name in columns or name not in _DEFAULTS}
        if not set(found["status"]) <= {"finite", "diverged"}:
            raise ValueError("a status is neither finite nor diverged")
        if len(set(zip(found["architecture"], found["index"], strict=True))) != len(rows):
            raise ValueError("a member is there twice")
        return Members(found)
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(f"{path} is not a readable table of members ({reason_of(error)}): {REMEDY}") from error


def rows_by(values: Int[np.ndarray, "member"]) -> Iterator[tuple[int, Int[np.ndarray, "row"]]]:
    """Each value that occurs, in rising order, with the rows in which it does, in their order."""
    order = np.argsort(values, kind="stable")
    found, starts = np.unique(values[order], return_index=True)
    return zip(found.tolist(), np.split(order, starts[1:]), strict=True)


def read_summary(directory: epath.Path, names: tuple[str, ...]) -> dict[str, Any]:
    """What zoo.json says, of which the numbers named have to be there.

    Raises:
      InputError: the file is missing, lacks one, or is of a newer version.
    """
    summary = read_json(directory / "zoo.json")
    if isinstance(summary, dict) and summary.get("format", 1) not in range(1, FORMAT + 1):
        raise InputError(
            f"{directory / 'zoo.json'} has format {summary['format']}; this version of netspace_jax reads formats up "
            f"to {FORMAT}"
        )
    if not isinstance(summary, dict) or not all(isinstance(summary.get(name), int | float) for name in names):
        raise InputError(f"{directory / 'zoo.json'} does not have the numbers {', '.join(names)}: {REMEDY}")
    facts = {name: value for name, value in summary.items() if name != "checksum"}
    if "checksum" in summary and checksum_of(json.dumps(facts)) != summary["checksum"]:
        raise InputError(f"{directory / 'zoo.json'} is damaged: its values are not those that were written: {REMEDY}")
    return summary


def summary_text(facts: Mapping[str, Any]) -> str:
    """What zoo.json says, with a checksum of it."""
    return json.dumps({**facts, "checksum": checksum_of(json.dumps(facts))}, indent=1)
