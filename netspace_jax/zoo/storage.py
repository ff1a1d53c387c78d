"""A zoo on disk: chunks of flat parameters written by Orbax, and tables of members.

.lock                       who writes there
config.json                 what made it: the domain and its `ZooConfig`; of an imported zoo, what of it says which data
                            its networks are scored on and how they are split
chunks/<architecture>-00000/   Orbax: `parameters`, float32 (rows of the chunk, parameters); rows that no member names
                            are padding
chunks/<architecture>-00000.csv   its members; its presence says that the chunk is finished
members.csv                 all members; its presence says that the zoo is finished
zoo.json                    version of this format, seconds of training, summed over interruptions, summary of scores,
                            checksums of itself, of config.json and of the tables; of an imported zoo, also the SHA-256
                            of its data
left_out.csv                of an imported zoo: what was not imported, and why
"""

import dataclasses
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jaxtyping import Float, Int

from netspace_jax.errors import InputError
from netspace_jax.files import location, read_json, reason_of, sum_of
from netspace_jax.zoo.plan import Chunk, chunk_name
from netspace_jax.zoo.table import REMEDY, Member, Members, read_summary, read_table, rows_by

_MIXED = 16  # chunks whose members a window of a large zoo mixes
_SUMMARY = ("seconds", "members", "diverged", "score_min", "score_mean", "score_max")


@dataclasses.dataclass(frozen=True)
class Networks:
    """Members of one architecture and split with their flat parameters, row for row."""

    members: Sequence[Member]
    parameters: Float[np.ndarray, "member size"]

    @property
    def indices(self) -> Int[np.ndarray, "member"]:
        """Index of each member in its zoo: what its data is asked for by."""
        return Members.of(self.members).column("index").astype(np.int32)

    @property
    def best_first(self) -> list[int]:
        """Rows from the best member by validation score to the worst."""
        return np.argsort(-Members.of(self.members).column("score_validation"), kind="stable").tolist()

    @property
    def best(self) -> int:
        """Row of the best member by validation score."""
        return self.best_first[0]

    def first(self, count: int) -> "Networks":
        """The first `count` members; 0 for all."""
        return Networks(self.members[: count or None], self.parameters[: count or None])


class Zoo:
    """A finished zoo. Parameters are read from disk when asked for.

    Raises:
      InputError: the directory holds no finished zoo, or one that cannot be read.
    """

    def __init__(self, directory: epath.PathLike):
        self.directory = location(directory)
        if not (self.directory / "members.csv").exists():
            unfinished = (self.directory / "config.json").exists()
            raise InputError(
                f"{directory} holds {'an unfinished' if unfinished else 'no'} zoo"
                + ("; the command that began it goes on with it" if unfinished else "")
            )
        self.description = read_json(self.directory / "config.json")
        self.summary = read_summary(self.directory, _SUMMARY)
        if self.summary.get("config", sum_of(self.description)) != sum_of(self.description):
            raise InputError(
                f"{self.directory / 'config.json'} is damaged: it is not what made the zoo: bring it back from a copy"
            )
        self.members: Members = read_table(self.directory / "members.csv", self.summary.get("table", ""))
        if len(self.members) != self.summary["members"]:
            raise InputError(
                f"{self.directory / 'members.csv'} has {len(self.members)} members where zoo.json counts "
                f"{self.summary['members']}: {REMEDY}"
            )

    @property
    def architectures(self) -> tuple[str, ...]:
        """Names of the architectures of its members, in order, the teacher's last."""
        return tuple(dict.fromkeys(Members.of(self.members).column("architecture").tolist()))

    @property
    def imported(self) -> bool:
        """Whether its networks were trained elsewhere."""
        return any(member.file for member in self.members)

    @property
    def size(self) -> int:
        """Parameters of its largest network.

        Raises:
          InputError: a chunk cannot be read.
        """
        return max(next(self.chunks(name))[1].shape[1] for name in self.architectures)

    def scores(self, architecture: str, split: str = "") -> Float[np.ndarray, "member"]:
        """Test scores of an architecture's finite members, of one split or of all but a teacher."""
        members = Members.of(self.members)
        wanted = {"split": split} if split else {}
        return members.column("score_test")[members.where(architecture=architecture, status="finite", **wanted)]

    def chunks(self, architecture: str) -> Iterator[tuple[Members, Float[np.ndarray, "member size"]]]:
        """Chunk after chunk of one architecture's finite members: the memory of one chunk, whatever the zoo's size.

        Raises:
          InputError: a chunk cannot be read or is not what its table says.
        """
        for members in self._by_chunk(architecture):
            yield members, self._rows(members)

    def networks(self, architecture: str, split: str) -> Networks:
        """All finite members of an architecture in one split ("train", "validation", "test", "teacher"), by index.

        Raises:
          InputError: there is none, or a chunk cannot be read.
        """
        wanted = self.members[self.members.where(architecture=architecture, split=split, status="finite")]
        if not len(wanted):
            raise InputError(
                f"zoo {self.directory} has no finite {architecture} in split {split!r}: "
                f"give it more members (--zoo.members)"
            )
        return self._networks(wanted[np.argsort(wanted.column("index"), kind="stable")])

    def window(self, architecture: str, split: str, size: int, number: int, seed: int = 0) -> Networks:
        """The `number`-th `size` members of a split, for a zoo that is too large to be held at once.

        Windows follow one another without a gap. Each pass through the split draws a new order of chunks, and mixes the
        members of every `_MIXED` of them, since those of one chunk trained for about as long. Only the chunks of the
        window are read.

        Raises:
          InputError: the split has fewer members, or a chunk cannot be read.
        """
        chunks = [members[members.where(split=split)] for members in self._by_chunk(architecture)]
        total = sum(map(len, chunks))
        if total < size:
            raise InputError(
                f"--netspace.resident {size} is more than the {total} members of {architecture} that zoo "
                f"{self.directory} has in split {split!r}: lower it"
            )
        wanted, begin = [], number * size
        for pass_ in range(begin // total, (begin + size - 1) // total + 1):
            rng = np.random.default_rng([seed, pass_])
            order = rng.permutation(len(chunks))
            groups = [order[i : i + _MIXED] for i in range(0, len(order), _MIXED)]
            mixed = [Members.joined([chunks[chunk] for chunk in group]) for group in groups]
            stream = Members.joined([group[rng.permutation(len(group))] for group in mixed])
            wanted.append(stream[max(begin - pass_ * total, 0) : begin + size - pass_ * total])
        return self._networks(Members.joined(wanted))

    def _by_chunk(self, architecture: str) -> list[Members]:
        """An architecture's finite members, chunk after chunk."""
        members = self.members[self.members.where(architecture=architecture, status="finite")]
        return [members[rows] for _, rows in rows_by(members.column("chunk"))]

    def _rows(self, members: Members) -> Float[np.ndarray, "member size"]:
        """Parameters of some members of one chunk."""
        path = self.directory / "chunks" / chunk_name(members[0].architecture, members[0].chunk)
        parameters, rows = _read_rows(path), members.column("row")
        inside = rows < len(parameters)
        found = parameters[rows * inside]
        right = np.array([f"{checksum(row):08x}" for row in found], object) == members.column("checksum")
        if not (right & inside).all():
            damaged = members[int(np.argmin(right & inside))]
            raise InputError(f"{path} is damaged: member {damaged.index} is not what members.csv says: {_again(path)}")
        return found

    def _networks(self, wanted: Members) -> Networks:
        """Members in the order given, each chunk read once; the memory is theirs and that of one chunk."""
        parameters = np.empty((len(wanted), 0), np.float32)
        for _, rows in rows_by(wanted.column("chunk")):
            found = self._rows(wanted[rows])
            if not parameters.size:
                parameters = np.empty((len(wanted), found.shape[1]), found.dtype)
            parameters[rows] = found
        return Networks(wanted, parameters)


def read_chunk_table(directory: epath.Path, chunk: Chunk, written: str = "") -> Members:
    """Members of a finished chunk.

    Args:
      written: checksum of its table; empty where that is not known.

    Raises:
      InputError: its table cannot be read or has other members.
    """
    path = directory / "chunks" / f"{chunk.name}.csv"
    members = read_table(path, written)
    if tuple(members.column("index").tolist()) != chunk.indices or set(members.column("chunk")) != {chunk.number}:
        raise InputError(f"{path} does not have the members of its chunk: rename it, and they are trained again")
    return members


def checksum(flat: Float[np.ndarray, "size"]) -> int:
    """CRC-32 of a network's parameters."""
    return zlib.crc32(np.ascontiguousarray(flat, np.float32).tobytes())


def _read_rows(path: epath.Path) -> np.ndarray:
    try:
        as_numpy = ocp.args.PyTreeRestore(restore_args={"parameters": ocp.RestoreArgs(restore_type=np.ndarray)})
        with ocp.PyTreeCheckpointer() as checkpointer:
            return checkpointer.restore(path, as_numpy)["parameters"]
    # What Orbax and TensorStore raise for files that are missing or damaged; a fault of ours or of the machine's memory
    # is none of these and is not hidden.
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read ({reason_of(error)}): {_again(path)}") from error


def _again(chunk: epath.Path) -> str:
    """What brings a chunk back."""
    return (
        f"bring it back from a copy; of a zoo that was trained here, {chunk.name}.csv and members.csv can be renamed, "
        f"and the command that made it trains these members again"
    )
