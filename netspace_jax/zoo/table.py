"""The tables of a zoo: one row for each member, as CSV that anyone can read.

Version 2 has the columns `file` and `sha256`, and leaves a cell empty where nothing is known, as of how an imported
network was trained. Tables of version 1 are read as such.
"""

import csv
import dataclasses
import io
from collections.abc import Mapping
from typing import Any, get_args, get_type_hints

from etils import epath

from netspace_jax.errors import InputError
from netspace_jax.files import location, read_json

FORMAT = 2
"""Version of the tables and of zoo.json."""


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


def table(members: list[Member]) -> str:
    """Members as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in dataclasses.fields(Member)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(member) for member in members)
    return text.getvalue()


def read_table(path: epath.PathLike) -> tuple[Member, ...]:
    """Members from CSV.

    Raises:
      InputError: the file is missing or not such a table.
    """
    path = location(path)
    try:
        members = tuple(_member(row) for row in csv.DictReader(io.StringIO(path.read_text())))
        if not all(member.status in ("finite", "diverged") for member in members):
            raise ValueError("a status is neither finite nor diverged")
        return members
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not a readable table of members ({type(error).__name__}: {error}); "
            f"delete {path.parent} to train the zoo again"
        ) from error


def _member(row: Mapping[str, str | None]) -> Member:
    """One row of a table; columns that came later may be missing."""
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Member):
        if field.name not in row and field.default is not dataclasses.MISSING:
            continue
        cell, optional = row[field.name], get_args(_TYPES[field.name])
        if cell is None:
            raise ValueError(f"a row ends before {field.name}")
        convert = optional[0] if optional else _TYPES[field.name]
        values[field.name] = None if optional and not cell else convert(cell)
    return Member(**values)


_TYPES = get_type_hints(Member)


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
        raise InputError(
            f"{directory / 'zoo.json'} does not have the numbers {', '.join(names)}; "
            f"delete {directory} to train the zoo again"
        )
    return summary
