"""Training of a zoo, a chunk at a time, each finished chunk on disk before the next begins.

Of several processes each trains and writes its share of every chunk; the first writes the tables.
"""

import dataclasses
import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import PurePath

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int

from netspace_jax import architectures
from netspace_jax.config import ZooConfig, digest
from netspace_jax.errors import InputError
from netspace_jax.files import disk_errors, location, read_json, write_text
from netspace_jax.ops.devices import is_first, on_host, padded, put_everywhere, wait_for_all
from netspace_jax.task import Dataset
from netspace_jax.zoo.plan import Chunk, chunks_of, plan, splits_of
from netspace_jax.zoo.population import Population
from netspace_jax.zoo.storage import Zoo, checksum, read_chunk_table
from netspace_jax.zoo.table import FORMAT, Member, read_summary, table
from netspace_jax.zoo.training import MakeTraining, Outcome, supervised

OnZooProgress = Callable[[int, int, float], None]
"""Called with networks·steps done since the last call, their total, and the latest mean loss."""


def zoo_name(config: ZooConfig, dataset: Dataset) -> str:
    """Name of the folder of a zoo: data set, first architecture, and a hash of all that makes it, data included.

    So all runs that want the same zoo share it.
    """
    words = (
        PurePath(config.dataset).stem,
        *config.architectures[:1],
        *(["etc"] if len(config.architectures) > 1 else []),
    )
    name = "-".join(re.sub(r"[^\w.]+", "_", word)[:40] for word in words)
    return f"{name}-{digest(config, fingerprint(dataset))}"


def fingerprint(dataset: Dataset) -> str:
    """SHA-256 of all arrays of a data set, in hexadecimal digits."""
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(dataset):
        found.update(np.ascontiguousarray(leaf).tobytes())
    return found.hexdigest()


def train_zoo(
    directory: epath.PathLike,
    config: ZooConfig,
    dataset: Dataset,
    *,
    mesh: Mesh,
    domain: str = "",
    item_names: tuple[str, ...] = ("",),
    make_training: MakeTraining = supervised,
    on_progress: OnZooProgress = lambda done, total, loss: None,
) -> Zoo:
    """Train what is missing of a zoo, and return it.

    Args:
      directory: where it lies or will lie; it belongs to this configuration alone.
      domain: name of the domain, for the zoo's description.
      item_names: name of each item that networks are about (shapes), or one empty name.
      make_training: how ONE network of the domain trains.

    Raises:
      InputError: the configuration cannot be, or the directory holds something else.
    """
    directory = location(directory)
    began = time.perf_counter()
    _claim(directory, {"domain": domain, **json.loads(json.dumps(dataclasses.asdict(config)))})
    if (directory / "members.csv").exists():
        return Zoo(directory)
    earlier = read_summary(directory, ("seconds",))["seconds"] if (directory / "zoo.json").exists() else 0.0
    dataset = put_everywhere(dataset, mesh)
    plans = {name: plan(config, name, count) for name, count in config.populations}
    chunks = [chunk for name, _ in config.populations for chunk in chunks_of(config, name, plans[name].stops)]
    total = sum(int(plans[name].stops.sum()) for name, _ in config.populations)
    for name, count in config.populations:
        architecture = architectures.build(name, dataset.task.input_shape, dataset.task.outputs)
        population = Population(architecture, config.of(name), mesh, make_training)
        splits = splits_of(config, name)
        for chunk in (chunk for chunk in chunks if chunk.architecture == name):
            stops = plans[name].stops[list(chunk.indices)]
            if (directory / "chunks" / f"{chunk.name}.csv").exists():
                on_progress(int(stops.sum()), total, float("nan"))
                continue
            width = padded(min(config.chunk, count), mesh)
            fill = np.resize(np.asarray(chunk.indices), width).astype(np.int32)
            # What only fills up the devices does not train.
            upto = np.where(np.arange(width) < len(stops), plans[name].stops[fill], 0).astype(np.int32)
            trained = population.train(fill, upto, dataset, lambda done, loss: on_progress(done, total, loss))
            save_rows(directory, chunk, trained.flat)
            outcome, checksums = on_host(trained.outcome), _checksums(trained.flat)
            members = [
                _member(config, chunk, row, outcome=outcome, item=item_names[index % len(item_names)],
                        split=splits[index], steps=int(stops[row]), crc=checksums[row])
                for row, index in enumerate(chunk.indices)
            ]  # fmt: skip
            write_text(directory / "chunks" / f"{chunk.name}.csv", table(members))
            write_text(directory / "zoo.json", json.dumps({"seconds": earlier + time.perf_counter() - began}))
    wait_for_all("the tables of all chunks")
    members = [member for chunk in chunks for member in read_chunk_table(directory, chunk)]
    order = {name: place for place, (name, _) in enumerate(config.populations)}
    members.sort(key=lambda member: (order[member.architecture], member.index))
    summary = summary_of(members, f"lower --zoo.learning-rate ({config.learning_rate}) and delete {directory}")
    seconds = {"format": FORMAT, "seconds": earlier + time.perf_counter() - began}
    write_text(directory / "zoo.json", json.dumps(seconds | summary, indent=1))
    write_text(directory / "members.csv", table(members))
    wait_for_all("the table of members")
    return Zoo(directory)


def _claim(directory: epath.Path, description: dict) -> None:
    """Make the directory the zoo's of this configuration, or see that it is."""
    wait_for_all("a look at the zoo's directory")
    written = directory / "config.json"
    if written.exists():
        found = read_json(written)
        # A field that came later had its default then; had it another value now, the folder would have another name.
        expected = {**description, "data_dir": ""}
        if not isinstance(found, dict) or {**expected, **found, "data_dir": ""} != expected:
            raise InputError(f"{directory} belongs to another configuration; delete it or name another directory")
        return
    if directory.is_dir() and any(not path.name.startswith(".") for path in directory.iterdir()):
        raise InputError(f"{directory} is not empty and not a zoo: name another directory")
    wait_for_all("all have looked")
    write_text(written, json.dumps(description, indent=1))


def _member(
    config: ZooConfig,
    chunk: Chunk,
    row: int,
    *,
    outcome: Outcome,
    item: str,
    split: str,
    steps: int,
    crc: int | np.integer,
) -> Member:
    return Member(
        architecture=chunk.architecture,
        index=chunk.indices[row],
        item=item,
        split=split,
        status="finite" if outcome.finite[row] else "diverged",
        seed=config.seed,
        initialisation="shared" if config.shared_init else "own",
        steps=steps,
        learning_rate=config.learning_rate,
        loss=float(outcome.loss[row]),
        score_validation=float(outcome.score_validation[row]),
        score_test=float(outcome.score_test[row]),
        chunk=chunk.number,
        row=row,
        checksum=f"{crc:08x}",
    )


def summary_of(members: list[Member], remedy: str) -> dict[str, int | float]:
    """What zoo.json says of the members.

    Raises:
      InputError: every network diverged; the message ends with the remedy.
    """
    scores = [member.score_test for member in members if member.status == "finite" and member.split != "teacher"]
    if not scores:
        raise InputError(f"every network of the zoo diverged: {remedy}")
    return {
        "members": len(members),
        "diverged": sum(member.status != "finite" for member in members),
        "score_min": float(np.min(scores)),
        "score_mean": float(np.mean(scores)),
        "score_max": float(np.max(scores)),
    }


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


def save_rows(
    directory: epath.Path, chunk: Chunk, flat: Float[Array, "row size"] | Float[np.ndarray, "row size"]
) -> None:
    """Write a chunk's parameters, each process those that lie on its devices."""
    path = directory / "chunks" / chunk.name
    if is_first() and path.exists():
        path.rmtree()
    wait_for_all(f"room for {chunk.name}")
    with disk_errors(path), ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, {"parameters": flat})
