"""The tables of a zoo: one row for each member, as CSV that anyone can read, and as columns in memory."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_type_hints, overload

import numpy as np
from etils import epath
from jaxtyping import Bool, Int, Shaped

from netspace_jax.errors import InputError
from netspace_jax.files import location, read_json


@dataclasses.dataclass(frozen=True)
class Member:
    """One row of a zoo's table.

    Attributes:
      item: name of what the network is about (a shape), or empty.
      status: `finite`, or `diverged` where a parameter is not.
      initialisation: `own` or `shared`.
      row: of the chunk's parameters.
      checksum: CRC-32 of the parameters, in hexadecimal digits.
    """

    architecture: str
    index: int
    item: str
    split: str
    status: str
    seed: int
    initialisation: str
    steps: int
    learning_rate: float
    loss: float
    score_validation: float
    score_test: float
    chunk: int
    row: int
    checksum: str


_TYPES: dict[str, type] = get_type_hints(Member)
_DTYPES: dict[type, Any] = {int: np.int64, float: np.float64, str: object}


class Members(Sequence[Member]):
    """Members as columns, so that tens of thousands are sorted out by NumPy; as a sequence it yields rows.

    Args:
      columns: an array for each field of `Member`, all of one length.
    """

    def __init__(self, columns: Mapping[str, Shaped[np.ndarray, "member"]]):
        self._columns = {name: np.asarray(columns[name], _DTYPES[kind]) for name, kind in _TYPES.items()}

    @classmethod
    def of(cls, members: Iterable[Member]) -> "Members":
        """Columns of given rows; what is columns already stays as it is."""
        if isinstance(members, Members):
            return members
        rows = list(members)
        return cls({name: np.array([getattr(row, name) for row in rows], _DTYPES[_TYPES[name]]) for name in _TYPES})

    @classmethod
    def joined(cls, parts: Sequence["Members"]) -> "Members":
        """The rows of several tables, one after another."""
        return cls({name: np.concatenate([part.column(name) for part in parts]) for name in _TYPES})

    def column(self, name: str) -> Shaped[np.ndarray, "member"]:
        """One field of all members: integers of 64 bits, floats of 64 bits, or strings as objects."""
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


def read_table(path: epath.PathLike) -> Members:
    """Members from CSV.

    Raises:
      InputError: the file is missing or not such a table.
    """
    path = location(path)
    try:
        header, *rows = csv.reader(io.StringIO(path.read_text()))
        if any(len(row) != len(header) for row in rows):
            raise ValueError("a row has not as many values as there are columns")
        columns = dict(zip(header, zip(*rows, strict=True) if rows else [()] * len(header), strict=True))
        found = {name: np.array(columns[name], object).astype(_DTYPES[kind]) for name, kind in _TYPES.items()}
        if not set(found["status"]) <= {"finite", "diverged"}:
            raise ValueError("a status is neither finite nor diverged")
        return Members(found)
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path} is not a readable table of members ({type(error).__name__}: {error}); "
            f"delete {path.parent} to train the zoo again"
        ) from error


def rows_by(values: Int[np.ndarray, "member"]) -> Iterator[tuple[int, Int[np.ndarray, "row"]]]:
    """Each value that occurs, in rising order, with the rows in which it does, in their order."""
    order = np.argsort(values, kind="stable")
    found, starts = np.unique(values[order], return_index=True)
    return zip(found.tolist(), np.split(order, starts[1:]), strict=True)


def read_summary(directory: epath.Path, names: tuple[str, ...]) -> dict[str, int | float]:
    """Numbers of zoo.json, of which those named have to be there.

    Raises:
      InputError: the file is missing or lacks one.
    """
    summary = read_json(directory / "zoo.json")
    if not isinstance(summary, dict) or not all(isinstance(summary.get(name), int | float) for name in names):
        raise InputError(
            f"{directory / 'zoo.json'} does not have the numbers {', '.join(names)}; "
            f"delete {directory} to train the zoo again"
        )
    return summary
