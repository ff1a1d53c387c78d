"""Training of a zoo, a chunk at a time, each finished chunk on disk before the next begins.

Of several processes each trains and writes its share of every chunk; the first writes the tables.
"""

import dataclasses
import json
import time
from collections.abc import Callable

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from netspace_jax import architectures
from netspace_jax.config import ZooConfig, check_zoo
from netspace_jax.errors import InputError
from netspace_jax.files import disk_errors, location, read_json, write_text
from netspace_jax.ops.devices import is_first, on_host, padded, put_everywhere, wait_for_all
from netspace_jax.task import Task
from netspace_jax.zoo.population import Outcome, Population, plan
from netspace_jax.zoo.storage import Chunk, Member, Zoo, checksum, config_from, read_chunk_table, read_summary, table


def train_zoo(directory: epath.PathLike, config: ZooConfig, task: Task, item_names: tuple[str, ...], mesh: Mesh,
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
    directory = location(directory)
    began = time.perf_counter()
    _claim(directory, config)
    if (directory / "members.csv").exists():
        return Zoo(directory)
    earlier = read_summary(directory, ("seconds",))["seconds"] if (directory / "zoo.json").exists() else 0.0
    task = put_everywhere(task, mesh)
    plans = {name: plan(config, name, count) for name, count in config.populations}
    chunks = [chunk for name, count in config.populations for chunk in _chunks(config, name, plans[name].stops)]
    total = sum(int(plans[name].stops.sum()) for name, _ in config.populations)
    for name, count in config.populations:
        population = Population(architectures.build(name, task.input_shape, task.outputs), config.of(name), mesh)
        splits = splits_of(config, name)
        for chunk in (chunk for chunk in chunks if chunk.architecture == name):
            stops = plans[name].stops[list(chunk.indices)]
            if (directory / "chunks" / f"{chunk.name}.csv").exists():
                on_progress(int(stops.sum()), total, float("nan"))
                continue
            width = padded(min(config.chunk, count), mesh)
            fill = np.resize(np.asarray(chunk.indices), width)
            # What only fills up the devices does not train.
            upto = np.where(np.arange(width) < len(stops), plans[name].stops[fill], 0).astype(np.int32)
            trained = population.train(fill, (fill % task.items).astype(np.int32), upto, task,
                                       lambda done, loss: on_progress(done, total, loss))
            _save_rows(directory, chunk, trained.flat)
            outcome, checksums = on_host(trained.outcome), _checksums(trained.flat)
            members = [_member(config, chunk, row, index, item_names[index % task.items], splits[index],
                               int(stops[row]), outcome, checksums[row]) for row, index in enumerate(chunk.indices)]
            write_text(directory / "chunks" / f"{chunk.name}.csv", table(members))
            write_text(directory / "zoo.json", json.dumps({"seconds": earlier + time.perf_counter() - began}))
    wait_for_all("the tables of all chunks")
    members = [member for chunk in chunks for member in read_chunk_table(directory, chunk)]
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
    wait_for_all("the table of members")
    return Zoo(directory)


def _claim(directory: epath.Path, config: ZooConfig) -> None:
    """Make the directory the zoo's of this configuration, or see that it is."""
    wait_for_all("a look at the zoo's directory")
    written = directory / "config.json"
    if written.exists():
        found = config_from(read_json(written), directory)
        if found != dataclasses.replace(config, data_dir=found.data_dir):
            raise InputError(f"{directory} belongs to another configuration; delete it or name another directory")
        return
    if directory.is_dir() and any(not path.name.startswith(".") for path in directory.iterdir()):
        raise InputError(f"{directory} is not empty and not a zoo: name another directory")
    wait_for_all("all have looked")
    write_text(written, json.dumps(dataclasses.asdict(config), indent=1))


def _chunks(config: ZooConfig, architecture: str, stops: np.ndarray) -> list[Chunk]:
    """Members of like stopping steps together, longest first: a chunk runs until its last member stops."""
    order = np.argsort(-stops, kind="stable")
    return [Chunk(architecture, number, tuple(int(index) for index in order[begin:begin + config.chunk]))
            for number, begin in enumerate(range(0, len(order), config.chunk))]


def splits_of(config: ZooConfig, architecture: str) -> list[str]:
    """Split of each member from its own draw: by shares, or, where numbers are asked for, by rank among the draws."""
    draws = plan(config, architecture, dict(config.populations)[architecture]).draws
    if architecture == config.teacher and architecture not in config.architectures:
        return ["teacher"] * len(draws)
    ranks = np.argsort(np.argsort(draws))
    test = ranks < config.test if config.test >= 1 else draws < config.test
    edge = draws[test].max(initial=0.0) if config.test >= 1 else config.test
    validation = (ranks < test.sum() + config.validation if config.validation >= 1 else draws < edge + config.validation)
    return ["test" if t else "validation" if v else "train" for t, v in zip(test, validation, strict=True)]


def _member(config: ZooConfig, chunk: Chunk, row: int, index: int, item: str, split: str, steps: int, outcome: Outcome,
            crc: int | np.integer) -> Member:
    return Member(chunk.architecture, index, item, split, "finite" if outcome.finite[row] else "diverged", config.seed,
                  "shared" if config.shared_start else "own", steps, config.learning_rate, float(outcome.loss[row]),
                  float(outcome.score_validation[row]), float(outcome.score_test[row]), chunk.number, row, f"{crc:08x}")


def _checksums(flat: Float[Array, "row size"]) -> Int[np.ndarray, "row"]:
    """Checksum of each row, computed where it lies."""
    found = np.zeros(len(flat), np.int64)
    for shard in flat.addressable_shards:
        begin = shard.index[0].start or 0
        for row, values in enumerate(np.asarray(shard.data)):
            found[begin + row] = checksum(values)
    # As two halves: without x64 JAX gathers no integers of 64 bits.
    halves = np.stack([found >> 16, found & 0xFFFF]).astype(np.int32)
    if jax.process_count() > 1:
        halves = np.asarray(multihost_utils.process_allgather(halves)).sum(0)
    return (halves[0].astype(np.int64) << 16) | halves[1]


def _save_rows(directory: epath.Path, chunk: Chunk, flat: Float[Array, "row size"]) -> None:
    """Write a chunk's parameters, each process those that lie on its devices."""
    path = directory / "chunks" / chunk.name
    if is_first() and path.exists():
        path.rmtree()
    wait_for_all(f"room for {chunk.name}")
    with disk_errors(path), ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, {"parameters": flat})
