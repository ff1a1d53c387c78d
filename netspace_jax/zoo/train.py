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
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Dataset
from netspace_jax.config import NOT_IN_DIGEST, ZooConfig, digest
from netspace_jax.errors import InputError
from netspace_jax.files import BESIDE, checksum_of, disk_errors, location, read_json, sum_of, write_text
from netspace_jax.ops.devices import is_first, on_host, padded, part_of, put_everywhere, wait_for_all
from netspace_jax.ops.platform import lowering_of, on_cpu
from netspace_jax.signals import writing
from netspace_jax.zoo.memory import networks_together
from netspace_jax.zoo.plan import Chunk, chunk_size, chunks_of, plan, splits_of
from netspace_jax.zoo.population import Population
from netspace_jax.zoo.storage import Zoo, checksum, read_chunk_table
from netspace_jax.zoo.table import FORMAT, Members, read_summary, summary_text, table
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
    item_splits: tuple[str, ...] = (),
    make_training: MakeTraining = supervised,
    on_progress: OnZooProgress = lambda done, total, loss: None,
) -> Zoo:
    """Train what is missing of a zoo, and return it.

    Args:
      directory: where it lies or will lie; it belongs to this configuration alone.
      domain: name of the domain, for the zoo's description.
      item_names: name of each item that networks are about (shapes), or one empty name.
      item_splits: split of each item, where the data says it.
      make_training: how ONE network of the domain trains.

    Raises:
      InputError: the configuration cannot be, or the directory holds something else.
    """
    directory = location(directory)
    began = time.perf_counter()
    written = _claim(directory, {"domain": domain, **json.loads(json.dumps(dataclasses.asdict(config)))})
    config = dataclasses.replace(config, chunk=written)
    if (directory / "members.csv").exists():
        return Zoo(directory)
    begun = (directory / "zoo.json").exists()
    found: dict[str, Any] = read_summary(directory, ("seconds",)) if begun else {"seconds": 0.0}
    earlier: float = found["seconds"]
    tables: dict[str, str] = {**found.get("tables", {})}
    dataset = put_everywhere(dataset, mesh)
    plans = {name: plan(config, name, count) for name, count in config.populations}
    built = {name: dataset.behaviour.architecture(name) for name, _ in config.populations}
    together = _together(directory, config, built, make_training=make_training, dataset=dataset, mesh=mesh)
    chunks = [
        chunk
        for name, one in built.items()
        for chunk in chunks_of(together.get(name, config), name, plans[name].stops, one.size)
    ]
    total = sum(int(plans[name].stops.sum()) for name, _ in config.populations)
    for name, count in config.populations:
        own_mesh = part_of(mesh, count)
        population = Population(built[name], config.of(name), own_mesh, make_training)
        own_dataset = dataset if own_mesh is mesh else put_everywhere(dataset, own_mesh)
        splits = np.array(splits_of(config, name, item_splits), object)
        items = np.array(item_names, object)
        for chunk in (chunk for chunk in chunks if chunk.architecture == name):
            stops = plans[name].stops[list(chunk.indices)]
            if (directory / "chunks" / f"{chunk.name}.csv").exists():
                on_progress(int(stops.sum()), total, float("nan"))
                continue
            width = padded(min(chunk_size(together.get(name, config), built[name].size), count), own_mesh)
            indices = np.asarray(chunk.indices)
            fill = np.resize(indices, width).astype(np.int32)
            # What only fills up the devices does not train.
            upto = np.where(np.arange(width) < len(stops), plans[name].stops[fill], 0).astype(np.int32)
            trained = population.train(fill, upto, own_dataset, lambda done, loss: on_progress(done, total, loss))
            save_rows(directory, chunk, trained.flat)
            members = _members(
                config,
                chunk,
                outcome=on_host(trained.outcome),
                items=items[indices % len(items)],
                splits=splits[indices],
                stops=stops,
                checksums=_checksums(trained.flat)[: len(indices)],
            )
            tables[chunk.name] = checksum_of(table(members))
            facts = {"seconds": earlier + time.perf_counter() - began, "tables": tables}
            write_text(directory / "zoo.json", summary_text(facts))
            write_text(directory / "chunks" / f"{chunk.name}.csv", table(members))
    wait_for_all("the tables of all chunks")
    # Chunks are those of one architecture after another; within each, members are put in the order of their indices.
    parts = {
        name: [read_chunk_table(directory, c, tables.get(c.name, "")) for c in chunks if c.architecture == name]
        for name in built
    }
    joined = [Members.joined(found) for found in parts.values()]
    members = Members.joined([found[np.argsort(found.column("index"))] for found in joined])
    summary = summary_of(members, f"lower --zoo.learning-rate ({config.learning_rate})")
    whole = table(members)
    sums = {"config": sum_of(read_json(directory / "config.json")), "tables": tables, "table": checksum_of(whole)}
    seconds = {"format": FORMAT, "seconds": earlier + time.perf_counter() - began}
    write_text(directory / "zoo.json", summary_text(seconds | summary | sums))
    write_text(directory / "members.csv", whole)
    wait_for_all("the table of members")
    return Zoo(directory)


def _claim(directory: epath.Path, description: dict) -> int:
    """Make the directory the zoo's of this configuration, or see that it is; returns how many train together there.

    What changes no network does not count: an interrupted zoo goes on with the chunks that it began with.
    """
    wait_for_all("a look at the zoo's directory")
    written = directory / "config.json"
    if written.exists():
        found = read_json(written)
        # A field that came later had its default then; had it another value now, the folder would have another name.
        ignored = dict.fromkeys(NOT_IN_DIGEST)
        expected = {**description, **ignored}
        chunk = found.get("chunk") if isinstance(found, dict) else None
        if not isinstance(found, dict) or type(chunk) is not int or {**expected, **found, **ignored} != expected:
            raise InputError(
                f"{directory} belongs to another configuration, or its config.json is damaged: name another place"
            )
        return chunk
    if directory.is_dir() and any(
        not path.name.startswith(".") and path.name not in BESIDE for path in directory.iterdir()
    ):
        raise InputError(f"{directory} is not empty and not a zoo: name another directory")
    wait_for_all("all have looked")
    write_text(written, json.dumps(description, indent=1))
    return description["chunk"]


def _together(
    directory: epath.Path,
    config: ZooConfig,
    built: dict[str, Architecture],
    *,
    make_training: MakeTraining,
    dataset: Dataset,
    mesh: Mesh,
) -> dict[str, ZooConfig]:
    """The configuration with the networks of a chunk, by architecture, where the memory of an accelerator says it.

    It is written down: a zoo that is interrupted goes on with the chunks that it began with, on any machine.
    """
    path = directory / "together.json"
    begun = path.exists() or (directory / "zoo.json").exists()
    with lowering_of(mesh):
        if not begun and not config.chunk and not on_cpu():
            found = {
                name: networks_together(make_training(one, config.of(name)), config.of(name), name, dataset, mesh)
                for name, one in built.items()
            }
            write_text(path, json.dumps(found))
    wait_for_all("the networks of a chunk")
    if not path.exists():
        return {}
    sizes = read_json(path)
    if not isinstance(sizes, dict) or any(type(sizes.get(name)) is not int or sizes[name] < 1 for name in built):
        raise InputError(f"{path} does not say how many networks train together: bring it back from a copy")
    return {name: dataclasses.replace(config, chunk=sizes[name]) for name in built}


def _members(
    config: ZooConfig,
    chunk: Chunk,
    *,
    outcome: Outcome,
    items: Shaped[np.ndarray, "member"],
    splits: Shaped[np.ndarray, "member"],
    stops: Int[np.ndarray, "member"],
    checksums: Int[np.ndarray, "member"],
) -> Members:
    """The table of a chunk: what is the same for all, and what training left of each."""
    count = len(chunk.indices)

    def same(value: object) -> np.ndarray:
        return np.full(count, value, object)

    def each(values: Shaped[Array | np.ndarray, "row"]) -> np.ndarray:
        return np.asarray(values)[:count]

    return Members(
        {
            "architecture": same(chunk.architecture),
            "index": np.asarray(chunk.indices),
            "item": items,
            "split": splits,
            "status": np.where(each(outcome.finite), "finite", "diverged"),
            "seed": same(config.seed),
            "initialisation": same("shared" if config.shared_init else "own"),
            "steps": stops,
            "learning_rate": same(config.learning_rate),
            "loss": each(outcome.loss),
            "score_validation": each(outcome.score_validation),
            "score_test": each(outcome.score_test),
            "chunk": same(chunk.number),
            "row": np.arange(count),
            "checksum": np.array([f"{crc:08x}" for crc in checksums.tolist()], object),
        }
    )


def summary_of(members: Members, remedy: str) -> dict[str, int | float]:
    """What zoo.json says of the members.

    Raises:
      InputError: every network diverged; the message ends with the remedy.
    """
    finite = members.where(status="finite")
    scores = members.column("score_test")[finite & ~members.where(split="teacher")]
    if not len(scores):
        raise InputError(f"every network of the zoo diverged: {remedy}")
    return {
        "members": len(members),
        "diverged": int((~finite).sum()),
        "score_min": float(np.min(scores)),
        "score_mean": float(np.mean(scores)),
        "score_max": float(np.max(scores)),
    }


def _checksums(flat: Float[Array, "row size"]) -> Int[np.ndarray, "row"]:
    """Checksum of each row, computed where it lies."""
    found = np.zeros(len(flat), np.int64)
    for shard in flat.addressable_shards:
        begin = shard.index[0].start or 0
        rows = np.asarray(shard.data)
        found[begin : begin + len(rows)] = [checksum(values) for values in rows]
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
    with writing(), disk_errors(path), ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(path, {"parameters": flat})
