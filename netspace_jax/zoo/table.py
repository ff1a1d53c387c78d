"""The tables of a zoo: one row for each member, as CSV that anyone can read."""

import csv
import dataclasses
import io
from typing import get_type_hints

from etils import epath

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
    path, types = location(path), get_type_hints(Member)
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        members = tuple(Member(**{name: convert(row[name]) for name, convert in types.items()}) for row in rows)
        if not all(member.status in ("finite", "diverged") for member in members):
            raise ValueError("a status is neither finite nor diverged")
        return members
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path} is not a readable table of members ({type(error).__name__}: {error}); "
            f"delete {path.parent} to train the zoo again"
        ) from error


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
