"""A zoo on disk: chunks of flat parameters written by Orbax, and tables of members that anyone can read.

    config.json                 what made it
    chunks/<architecture>-00000/   Orbax: `parameters`, float32 (networks of the chunk, parameters)
    chunks/<architecture>-00000.csv   its members; its presence says that the chunk is finished
    members.csv                 all members; its presence says that the zoo is finished
    zoo.json                    seconds of training, summed over interruptions, and summary of scores
"""

import csv
import dataclasses
import io
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.sharding import Mesh
from jaxtyping import Float

from netspace_jax import architectures
from netspace_jax.config import ZooConfig, check_zoo, rebuild
from netspace_jax.devices import padded, put_everywhere
from netspace_jax.errors import InputError
from netspace_jax.files import disk_errors, read_json, write_text
from netspace_jax.population import Population, member_keys, plan
from netspace_jax.tasks import Task


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


@dataclasses.dataclass(frozen=True)
class Chunk:
    """Members of one architecture that train together; `number` counts within the architecture."""

    architecture: str
    number: int
    indices: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.architecture}-{self.number:05d}"


@dataclasses.dataclass(frozen=True)
class Networks:
    """Members of one architecture and split with their flat parameters, row for row."""

    members: tuple[Member, ...]
    parameters: Float[np.ndarray, "member size"]


class Zoo:
    """A finished zoo. Parameters are read from disk when asked for.

    Raises:
      InputError: the directory holds no finished zoo, or one that cannot be read.
    """

    def __init__(self, directory: Path):
        self.directory = Path(directory)
        if not (self.directory / "members.csv").exists():
            unfinished = (self.directory / "config.json").exists()
            raise InputError(f"{directory} holds {'an unfinished' if unfinished else 'no'} zoo"
                             + ("; the command that began it goes on with it" if unfinished else ""))
        self.config = _config_from(read_json(self.directory / "config.json"), self.directory)
        self.summary = _summary(self.directory, ("seconds", "members", "diverged", "score_min", "score_mean", "score_max"))
        self.members = read_table(self.directory / "members.csv")
        if len(self.members) != self.summary["members"]:
            raise InputError(f"{self.directory / 'members.csv'} has {len(self.members)} members where zoo.json counts "
                             f"{self.summary['members']}; delete {self.directory} to train the zoo again")

    def chunks(self, architecture: str) -> Iterator[tuple[list[Member], Float[np.ndarray, "member size"]]]:
        """Chunk after chunk of one architecture's finite members: the memory of one chunk, whatever the zoo's size.

        Raises:
          InputError: a chunk cannot be read or is not what its table says.
        """
        by_chunk: dict[int, list[Member]] = {}
        for member in self.members:
            if member.architecture == architecture and member.status == "finite":
                by_chunk.setdefault(member.chunk, []).append(member)
        for number, members in sorted(by_chunk.items()):
            path = self.directory / "chunks" / f"{architecture}-{number:05d}"
            parameters = _restore(path)
            for member in members:
                if member.row >= len(parameters) or _checksum(parameters[member.row]) != member.checksum:
                    raise InputError(f"{path} is damaged: member {member.index} is not what members.csv says; "
                                     f"delete {self.directory} to train the zoo again")
            yield members, parameters[[member.row for member in members]]

    def networks(self, architecture: str, split: str) -> Networks:
        """All finite members of an architecture in one split ("train", "validation", "test", "teacher"), by index."""
        found = [(member, row) for members, rows in self.chunks(architecture)
                 for member, row in zip(members, rows, strict=True) if member.split == split]
        found.sort(key=lambda pair: pair[0].index)
        if not found:
            raise InputError(f"zoo {self.directory} has no finite {architecture} in split {split!r}: "
                             f"give it more members (--zoo.members)")
        return Networks(tuple(member for member, _ in found), np.stack([row for _, row in found]))


def train_zoo(directory: Path, config: ZooConfig, task: Task, item_names: tuple[str, ...], mesh: Mesh,
              on_progress: Callable[[int, int, float], None] = lambda done, total, loss: None) -> Zoo:
    """Train what is missing of a zoo, and return it.

    Args:
      directory: where it lies or will lie; it belongs to this configuration alone.
      item_names: name of each item that networks are about (shapes), or one empty name.
      on_progress: called with networks·steps done since the last call, their total, and the latest mean loss.

    Raises:
      InputError: the configuration cannot be, or the directory holds something else.
    """
    check_zoo(config)
    directory = Path(directory)
    began = time.perf_counter()
    _claim(directory, config)
    if (directory / "members.csv").exists():
        return Zoo(directory)
    earlier = _summary(directory, ("seconds",))["seconds"] if (directory / "zoo.json").exists() else 0.0
    task = put_everywhere(task, mesh)
    plans = {name: plan(config, name, count) for name, count in config.populations}
    chunks = [chunk for name, count in config.populations for chunk in _chunks(config, name, plans[name].stops)]
    total = sum(int(plans[name].stops.sum()) for name, _ in config.populations)
    for name, count in config.populations:
        population = Population(architectures.build(name, task.input_shape, task.outputs), config, mesh)
        splits = _splits(config, name, plans[name].draws)
        for chunk in (chunk for chunk in chunks if chunk.architecture == name):
            stops = plans[name].stops[list(chunk.indices)]
            if (directory / "chunks" / f"{chunk.name}.csv").exists():
                on_progress(int(stops.sum()), total, float("nan"))
                continue
            width = padded(min(config.chunk, count), mesh)
            fill = np.resize(np.asarray(chunk.indices), width)
            keys = member_keys(config, name, count)[fill]
            trained = population.train(keys, (fill % task.items).astype(np.int32), plans[name].stops[fill], task,
                                       lambda done, loss: on_progress(min(done, int(stops.sum())), total, loss))
            trained = jax.tree.map(lambda leaf: np.asarray(leaf)[:len(chunk.indices)], trained)
            members = [_member(config, chunk, row, index, item_names[index % task.items], splits[index],
                               int(stops[row]), trained) for row, index in enumerate(chunk.indices)]
            _write_chunk(directory, chunk, trained.flat, members)
            write_text(directory / "zoo.json", json.dumps({"seconds": earlier + time.perf_counter() - began}))
    members = [member for chunk in chunks for member in _read_chunk_table(directory, chunk)]
    scores = [member.score_test for member in members if member.status == "finite" and member.split != "teacher"]
    if not scores:
        raise InputError(f"every network of the zoo diverged: lower --zoo.learning-rate ({config.learning_rate}) "
                         f"and delete {directory}")
    members.sort(key=lambda member: (*(name != member.architecture for name, _ in config.populations), member.index))
    summary = {"seconds": earlier + time.perf_counter() - began, "members": len(members),
               "diverged": sum(member.status != "finite" for member in members),
               "score_min": float(np.min(scores)), "score_mean": float(np.mean(scores)), "score_max": float(np.max(scores))}
    write_text(directory / "zoo.json", json.dumps(summary, indent=1))
    write_text(directory / "members.csv", table(members))
    return Zoo(directory)


def table(members: list[Member]) -> str:
    """Members as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in dataclasses.fields(Member)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(member) for member in members)
    return text.getvalue()


def read_table(path: Path) -> tuple[Member, ...]:
    """Members from CSV.

    Raises:
      InputError: the file is missing or not such a table.
    """
    fields = dataclasses.fields(Member)
    try:
        rows = list(csv.DictReader(io.StringIO(path.read_text())))
        members = tuple(Member(**{field.name: field.type(row[field.name]) for field in fields}) for row in rows)
        if not all(member.status in ("finite", "diverged") for member in members):
            raise ValueError("a status is neither finite nor diverged")
        return members
    except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is not a readable table of members ({type(error).__name__}: {error}); "
                         f"delete {path.parent} to train the zoo again") from error


def _claim(directory: Path, config: ZooConfig) -> None:
    """Make the directory the zoo's of this configuration, or see that it is."""
    written = directory / "config.json"
    if written.exists():
        found = _config_from(read_json(written), directory)
        if found != dataclasses.replace(config, data_dir=found.data_dir):
            raise InputError(f"{directory} belongs to another configuration; delete it or name another directory")
        return
    if directory.is_dir() and any(not path.name.startswith(".") for path in directory.iterdir()):
        raise InputError(f"{directory} is not empty and not a zoo: name another directory")
    write_text(written, json.dumps(dataclasses.asdict(config), indent=1))


def _summary(directory: Path, names: tuple[str, ...]) -> dict[str, int | float]:
    summary = read_json(directory / "zoo.json")
    if not isinstance(summary, dict) or not all(isinstance(summary.get(name), int | float) for name in names):
        raise InputError(f"{directory / 'zoo.json'} does not have the numbers {', '.join(names)}; "
                         f"delete {directory} to train the zoo again")
    return summary


def _read_chunk_table(directory: Path, chunk: Chunk) -> tuple[Member, ...]:
    path = directory / "chunks" / f"{chunk.name}.csv"
    members = read_table(path)
    if tuple(member.index for member in members) != chunk.indices:
        raise InputError(f"{path} does not have the members of its chunk; delete it to train them again")
    return members


def _chunks(config: ZooConfig, architecture: str, stops: np.ndarray) -> list[Chunk]:
    """Members of like stopping steps together, longest first: a chunk runs until its last member stops."""
    order = np.argsort(-stops, kind="stable")
    return [Chunk(architecture, number, tuple(int(index) for index in order[begin:begin + config.chunk]))
            for number, begin in enumerate(range(0, len(order), config.chunk))]


def _splits(config: ZooConfig, architecture: str, draws: np.ndarray) -> list[str]:
    """Split of each member from its own draw: by shares, or, where numbers are asked for, by rank among the draws."""
    if architecture == config.teacher and architecture not in config.architectures:
        return ["teacher"] * len(draws)
    ranks = np.argsort(np.argsort(draws))
    test = ranks < config.test if config.test >= 1 else draws < config.test
    edge = draws[test].max(initial=0.0) if config.test >= 1 else config.test
    validation = (ranks < test.sum() + config.validation if config.validation >= 1 else draws < edge + config.validation)
    return ["test" if t else "validation" if v else "train" for t, v in zip(test, validation, strict=True)]


def _member(config, chunk, row, index, item, split, steps, trained) -> Member:
    finite = bool(np.isfinite(trained.flat[row]).all())
    return Member(chunk.architecture, index, item, split, "finite" if finite else "diverged", config.seed,
                  "shared" if config.shared_start else "own", steps, config.learning_rate, float(trained.loss[row]),
                  float(trained.score_validation[row]), float(trained.score_test[row]), chunk.number, row,
                  _checksum(trained.flat[row]))


def _checksum(flat: np.ndarray) -> str:
    return f"{zlib.crc32(np.ascontiguousarray(flat, np.float32).tobytes()):08x}"


def _write_chunk(directory: Path, chunk: Chunk, parameters: np.ndarray, members: list[Member]) -> None:
    path = (directory / "chunks" / chunk.name).absolute()
    shutil.rmtree(path, ignore_errors=True)
    with disk_errors(path), ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, {"parameters": parameters})
    write_text(path.with_name(f"{chunk.name}.csv"), table(members))


def _restore(path: Path) -> np.ndarray:
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            return np.asarray(checkpointer.restore(path.absolute())["parameters"])
    except Exception as error:  # Orbax and TensorStore raise many kinds; all mean that the chunk cannot be read.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} cannot be read ({reason[:120]}); delete {path.parent.parent} to train the zoo again") from error


def _config_from(values: object, directory: Path) -> ZooConfig:
    try:
        return rebuild(ZooConfig, values)
    except TypeError as error:
        raise InputError(f"{directory / 'config.json'} is not the configuration of a zoo ({error})") from error
