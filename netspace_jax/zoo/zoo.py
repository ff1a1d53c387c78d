"""A zoo as a value: its members' table, and their parameters, in memory or read when they are asked for."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from etils import epath
from jaxtyping import Float, Int, PyTree

from netspace_jax.errors import InputError
from netspace_jax.zoo.table import Members, by_chunk, by_index, summary_of

_MIXED = 16  # chunks whose members a window of a large zoo mixes


@dataclasses.dataclass(frozen=True)
class Networks:
    """Members of one architecture and split with their flat parameters, row for row."""

    members: Members
    parameters: Float[np.ndarray, "member size"]

    @property
    def indices(self) -> Int[np.ndarray, "member"]:
        """Index of each member in its zoo: what its data is asked for by."""
        return self.members.index.astype(np.int32)

    @property
    def best_first(self) -> list[int]:
        """Rows from the best member by validation score to the worst."""
        return np.argsort(-self.members.score_validation, kind="stable").tolist()

    @property
    def best(self) -> int:
        """Row of the best member by validation score."""
        return self.best_first[0]

    def first(self, count: int) -> "Networks":
        """The first `count` members; 0 for all."""
        return Networks(self.members[: count or None], self.parameters[: count or None])


@dataclasses.dataclass(frozen=True, eq=False)
class Zoo:
    """A population of trained networks.

    Attributes:
      members: its table (`netspace_jax.zoo.table` says which columns).
      description: what made it: the domain, and the fields of its `ZooConfig`.
      summary: seconds of training, numbers of members and of those that diverged, lowest, mean and highest score.
      rows: flat parameters [member, size] of some members of one chunk, which train together and lie together.
      shared: what all networks of an architecture have in common, by its name, where there is such.
      place: where it lies; None for a zoo in memory.
    """

    members: Members
    description: Mapping[str, Any]
    summary: Mapping[str, Any]
    rows: Callable[[Members], Float[np.ndarray, "member size"]]
    shared: Mapping[str, PyTree] = dataclasses.field(default_factory=dict)
    place: epath.Path | None = None

    @classmethod
    def in_memory(
        cls,
        members: Members,
        parameters: Mapping[tuple[str, int], Float[np.ndarray, "row size"]],
        description: Mapping[str, Any],
        facts: Mapping[str, Any],
        shared: Mapping[str, PyTree] = {},
    ) -> "Zoo":
        """A zoo of arrays.

        Raises:
          InputError: every network diverged.
        """
        summary = {**facts, **summary_of(members, "lower the learning rate")}
        return cls(
            by_index(members),
            description,
            summary,
            lambda some: parameters[some[0].architecture, some[0].chunk][some.row],
            shared,
        )

    def __repr__(self) -> str:
        return f"Zoo({len(self.members)} networks of {', '.join(self.architectures)} {self.place or 'in memory'})"

    @property
    def directory(self) -> epath.Path:
        """Where it lies.

        Raises:
          InputError: it is in memory.
        """
        if self.place is None:
            raise InputError("the zoo is in memory: netspace_jax.zoo.save_zoo writes it into a directory")
        return self.place

    @property
    def architectures(self) -> tuple[str, ...]:
        """Names of the architectures of its members, in order, the teacher's last."""
        return tuple(dict.fromkeys(self.members.architecture.tolist()))

    @property
    def imported(self) -> bool:
        """Whether its networks were trained elsewhere."""
        return bool((self.members.file != "").any())

    @property
    def size(self) -> int:
        """Parameters of its largest network.

        Raises:
          InputError: a chunk cannot be read.
        """
        return max(next(self.chunks(name))[1].shape[1] for name in self.architectures)

    def scores(self, architecture: str, split: str = "") -> Float[np.ndarray, "member"]:
        """Test scores of an architecture's finite members, of one split or of all but a teacher."""
        return self._finite(architecture, split).score_test

    def by_split(self, architecture: str) -> dict[str, Members]:
        """An architecture's finite members of each split that has any."""
        splits = {split: self._finite(architecture, split) for split in ("train", "validation", "test", "teacher")}
        return {split: members for split, members in splits.items() if len(members)}

    def chunks(self, architecture: str) -> Iterator[tuple[Members, Float[np.ndarray, "member size"]]]:
        """Chunk after chunk of one architecture's finite members: the memory of one chunk, whatever the zoo's size.

        Raises:
          InputError: a chunk cannot be read or is not what its table says.
        """
        for members in by_chunk(self._finite(architecture)):
            yield members, self.rows(members)

    def networks(self, architecture: str, split: str) -> Networks:
        """All finite members of an architecture in one split ("train", "validation", "test", "teacher"), by index.

        Raises:
          InputError: there is none, or a chunk cannot be read.
        """
        members = self._finite(architecture, split)
        if not len(members):
            raise InputError(
                f"zoo {self.place or 'in memory'} has no finite {architecture} in split {split!r}: "
                f"give it more members (--zoo.members)"
            )
        return self._networks(members[np.argsort(members.index, kind="stable")])

    def window(self, architecture: str, split: str, size: int, number: int, seed: int = 0) -> Networks:
        """The `number`-th `size` members of a split, for a zoo that is too large to be held at once.

        Windows follow one another without a gap. Each pass through the split draws a new order of chunks, and mixes the
        members of every `_MIXED` of them, since those of one chunk trained for about as long. Only the chunks of the
        window are read.

        Raises:
          InputError: the split has fewer members, or a chunk cannot be read.
        """
        chunks = [members[members.split == split] for members in by_chunk(self._finite(architecture))]
        total = sum(map(len, chunks))
        if total < size:
            raise InputError(
                f"--netspace.resident {size} is more than the {total} members of {architecture} that zoo "
                f"{self.place or 'in memory'} has in split {split!r}: lower it"
            )
        parts, begin = [], number * size
        for pass_ in range(begin // total, (begin + size - 1) // total + 1):
            rng = np.random.default_rng([seed, pass_])
            order = rng.permutation(len(chunks))
            groups = [order[i : i + _MIXED] for i in range(0, len(order), _MIXED)]
            mixed = [Members.joined([chunks[chunk] for chunk in group]) for group in groups]
            stream = Members.joined([group[rng.permutation(len(group))] for group in mixed])
            parts.append(stream[max(begin - pass_ * total, 0) : begin + size - pass_ * total])
        return self._networks(Members.joined(parts))

    def _finite(self, architecture: str, split: str = "") -> Members:
        """An architecture's finite members, of one split or of all."""
        members = self.members[(self.members.architecture == architecture) & (self.members.status == "finite")]
        return members[members.split == split] if split else members

    def _networks(self, members: Members) -> Networks:
        """Members in the order given, each chunk read once; the memory is theirs and that of one chunk."""
        parameters = np.empty((len(members), 0), np.float32)
        for number in np.unique(members.chunk):
            places = np.flatnonzero(members.chunk == number)
            rows = self.rows(members[places])
            if not parameters.size:
                parameters = np.empty((len(members), rows.shape[1]), rows.dtype)
            parameters[places] = rows
        return Networks(members, parameters)
