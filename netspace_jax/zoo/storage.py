"""A zoo on disk: chunks of flat parameters written by Orbax, and tables of members that anyone can read.

    config.json                 what made it
    chunks/<architecture>-00000/   Orbax: `parameters`, float32 (rows of the chunk, parameters); rows that no member names are padding
    chunks/<architecture>-00000.csv   its members; its presence says that the chunk is finished
    members.csv                 all members; its presence says that the zoo is finished
    zoo.json                    seconds of training, summed over interruptions, and summary of scores
"""

import csv
import dataclasses
import io
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jaxtyping import Float

from netspace_jax.config import ZooConfig, rebuild
from netspace_jax.errors import InputError
from netspace_jax.files import location, read_json

_MIXED = 16  # chunks whose members a window of a large zoo mixes


@dataclasses.dataclass(frozen=True)
class Member:
    """One row of a zoo's table."""

    architecture: str
    index: int
    item: str
    split: str
    status: str
    seed: int
    start: str
    steps: int
    learning_rate: float
    loss: float
    score_validation: float
    score_test: float
    chunk: int
    row: int
    checksum: str


def chunk_name(architecture: str, number: int) -> str:
    """Name of a chunk's files."""
    return f"{architecture}-{number:05d}"


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Members of one architecture that train together; `number` counts within the architecture."""

    architecture: str
    number: int
    indices: tuple[int, ...]

    @property
    def name(self) -> str:
        """Name of its files."""
        return chunk_name(self.architecture, self.number)


@dataclasses.dataclass(frozen=True)
class Networks:
    """Members of one architecture and split with their flat parameters, row for row."""

    members: tuple[Member, ...]
    parameters: Float[np.ndarray, "member size"]

    @property
    def by_merit(self) -> list[int]:
        """Rows from the best member by validation score to the worst."""
        return sorted(range(len(self.members)), key=lambda row: -self.members[row].score_validation)

    @property
    def best(self) -> int:
        """Row of the best member by validation score."""
        return self.by_merit[0]


class Zoo:
    """A finished zoo. Parameters are read from disk when asked for.

    Raises:
      InputError: the directory holds no finished zoo, or one that cannot be read.
    """

    def __init__(self, directory: epath.PathLike):
        self.directory = location(directory)
        if not (self.directory / "members.csv").exists():
            unfinished = (self.directory / "config.json").exists()
            raise InputError(f"{directory} holds {'an unfinished' if unfinished else 'no'} zoo"
                             + ("; the command that began it goes on with it" if unfinished else ""))
        self.config = config_from(read_json(self.directory / "config.json"), self.directory)
        self.summary = read_summary(self.directory, ("seconds", "members", "diverged", "score_min", "score_mean", "score_max"))
        self.members = read_table(self.directory / "members.csv")
        if len(self.members) != self.summary["members"]:
            raise InputError(f"{self.directory / 'members.csv'} has {len(self.members)} members where zoo.json counts "
                             f"{self.summary['members']}; delete {self.directory} to train the zoo again")

    def chunks(self, architecture: str) -> Iterator[tuple[list[Member], Float[np.ndarray, "member size"]]]:
        """Chunk after chunk of one architecture's finite members: the memory of one chunk, whatever the zoo's size.

        Raises:
          InputError: a chunk cannot be read or is not what its table says.
        """
        for _, members in sorted(self._by_chunk(architecture).items()):
            yield members, self._rows(members)

    def mean_score(self, architecture: str) -> float:
        """Mean test score of an architecture's finite members."""
        return float(np.mean([m.score_test for m in self.members if (m.architecture, m.status) == (architecture, "finite")]))

    def _by_chunk(self, architecture: str) -> dict[int, list[Member]]:
        found: dict[int, list[Member]] = {}
        for member in self.members:
            if member.architecture == architecture and member.status == "finite":
                found.setdefault(member.chunk, []).append(member)
        return found

    def _rows(self, members: Sequence[Member]) -> Float[np.ndarray, "member size"]:
        """Parameters of some members of one chunk."""
        path = self.directory / "chunks" / chunk_name(members[0].architecture, members[0].chunk)
        parameters = _read_rows(path)
        for member in members:
            if member.row >= len(parameters) or f"{checksum(parameters[member.row]):08x}" != member.checksum:
                raise InputError(f"{path} is damaged: member {member.index} is not what members.csv says; "
                                 f"delete {self.directory} to train the zoo again")
        return parameters[[member.row for member in members]]

    def networks(self, architecture: str, split: str) -> Networks:
        """All finite members of an architecture in one split ("train", "validation", "test", "teacher"), by index."""
        wanted = sorted((member for member in self.members if (member.architecture, member.split, member.status) ==
                         (architecture, split, "finite")), key=lambda member: member.index)
        if not wanted:
            raise InputError(f"zoo {self.directory} has no finite {architecture} in split {split!r}: "
                             f"give it more members (--zoo.members)")
        return self._networks(wanted)

    def window(self, architecture: str, split: str, size: int, number: int) -> Networks:
        """The `number`-th `size` members of a split, for a zoo that is too large to be held at once.

        Windows follow one another without a gap. Each pass through the split draws a new order of chunks, and mixes the members of
        every `_MIXED` of them, since those of one chunk trained for about as long. Only the chunks of the window are read.

        Raises:
          InputError: the split has fewer members, or a chunk cannot be read.
        """
        chunks = [[member for member in members if member.split == split] for _, members in sorted(self._by_chunk(architecture).items())]
        total = sum(map(len, chunks))
        if total < size:
            raise InputError(f"--netspace.resident {size} is more than the {total} members of {architecture} that zoo {self.directory} "
                             f"has in split {split!r}: lower it")
        wanted, begin = [], number * size
        for pass_ in range(begin // total, (begin + size - 1) // total + 1):
            rng = np.random.default_rng(pass_)
            order = rng.permutation(len(chunks))
            mixed = [[member for chunk in order[i:i + _MIXED] for member in chunks[chunk]] for i in range(0, len(order), _MIXED)]
            stream = [group[i] for group in mixed for i in rng.permutation(len(group))]
            wanted += stream[max(begin - pass_ * total, 0):begin + size - pass_ * total]
        return self._networks(wanted)

    def _networks(self, wanted: Sequence[Member]) -> Networks:
        """Members in the order given, each chunk read once; the memory is theirs and that of one chunk."""
        places: dict[int, list[int]] = {}
        for place, member in enumerate(wanted):
            places.setdefault(member.chunk, []).append(place)
        parameters: np.ndarray | None = None
        for rows in places.values():
            found = self._rows([wanted[place] for place in rows])
            if parameters is None:
                parameters = np.empty((len(wanted), found.shape[1]), found.dtype)
            parameters[rows] = found
        return Networks(tuple(wanted), parameters)


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
    path, fields = location(path), dataclasses.fields(Member)
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        members = tuple(Member(**{field.name: field.type(row[field.name]) for field in fields}) for row in rows)
        if not all(member.status in ("finite", "diverged") for member in members):
            raise ValueError("a status is neither finite nor diverged")
        return members
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a readable table of members ({type(error).__name__}: {error}); "
                         f"delete {path.parent} to train the zoo again") from error


def read_summary(directory: epath.Path, names: tuple[str, ...]) -> dict[str, int | float]:
    """Numbers of zoo.json, of which those named have to be there."""
    summary = read_json(directory / "zoo.json")
    if not isinstance(summary, dict) or not all(isinstance(summary.get(name), int | float) for name in names):
        raise InputError(f"{directory / 'zoo.json'} does not have the numbers {', '.join(names)}; "
                         f"delete {directory} to train the zoo again")
    return summary


def read_chunk_table(directory: epath.Path, chunk: Chunk) -> tuple[Member, ...]:
    """Members of a finished chunk."""
    path = directory / "chunks" / f"{chunk.name}.csv"
    members = read_table(path)
    if tuple(member.index for member in members) != chunk.indices:
        raise InputError(f"{path} does not have the members of its chunk; delete it to train them again")
    return members


def checksum(flat: Float[np.ndarray, "size"]) -> int:
    """CRC-32 of a network's parameters."""
    return zlib.crc32(np.ascontiguousarray(flat, np.float32).tobytes())


def _read_rows(path: epath.Path) -> np.ndarray:
    try:
        as_numpy = ocp.args.PyTreeRestore(restore_args={"parameters": ocp.RestoreArgs(restore_type=np.ndarray)})
        with ocp.PyTreeCheckpointer() as checkpointer:
            return checkpointer.restore(path, as_numpy)["parameters"]
    except Exception as error:  # Orbax and TensorStore raise many kinds; all mean that the chunk cannot be read.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} cannot be read ({reason[:120]}); delete {path.parent.parent} to train the zoo again") from error


def config_from(values: object, directory: epath.Path) -> ZooConfig:
    """What config.json says made a zoo."""
    try:
        return rebuild(ZooConfig, values)
    except TypeError as error:
        raise InputError(f"{directory / 'config.json'} is not the configuration of a zoo ({error})") from error
