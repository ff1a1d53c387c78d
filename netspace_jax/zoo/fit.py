"""Training of a zoo in memory, a chunk at a time: data and a configuration in, a zoo out.

Of several processes each trains its share of every chunk.
"""

import dataclasses
import functools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.config import ZooConfig
from netspace_jax.dataset import Dataset
from netspace_jax.files import crc32
from netspace_jax.ops.devices import network_mesh, on_host, part_of, put_everywhere
from netspace_jax.ops.platform import lowering_of, on_cpu
from netspace_jax.population.network import Trained
from netspace_jax.population.trainer import Trainer, compiler_options
from netspace_jax.zoo.memory import networks_together
from netspace_jax.zoo.plan import Cohort, chunk_size, cohorts_of, validation_steps
from netspace_jax.zoo.table import Members
from netspace_jax.zoo.training import MakeTraining, recipe
from netspace_jax.zoo.zoo import Zoo

OnZooProgress = Callable[[int, int, float], None]
"""Called with networks·steps done since the last call, their total, and the latest mean loss."""
IsFinished = Callable[[str, int, Int[np.ndarray, "row"]], bool]
"""From the architecture, the number and the members' indices of a chunk to whether it need not be trained."""


def fit_zoo(
    config: ZooConfig,
    dataset: Dataset,
    *,
    modules: Sequence[Architecture] = (),
    make_training: MakeTraining = recipe,
    mesh: Mesh | None = None,
    domain: str = "",
    item_names: tuple[str, ...] = ("",),
    item_splits: tuple[str, ...] = (),
    on_progress: OnZooProgress = lambda done, total, loss: None,
) -> Zoo:
    """Train a zoo in memory.

    Args:
      modules: the architectures, where their names are not registered.
      make_training: how ONE network of the domain trains.
      mesh: devices to spread networks over; all of them by default.
      item_names: name of each item that networks are about (shapes), or one empty name.
      item_splits: split of each item, where the data says it.

    Raises:
      InputError: an architecture is not known, or every network diverged.
    """
    began, mesh = time.perf_counter(), mesh or network_mesh()
    built = architectures_of(config, dataset, modules)
    sizes = chunk_sizes(config, built, dataset, make_training=make_training, mesh=mesh)
    cohorts = cohorts_of(config, built, sizes, item_names=item_names, item_splits=item_splits)
    tables, parameters = [], {}
    for flat, members in train_chunks(
        cohorts, dataset, make_training=make_training, mesh=mesh, on_progress=on_progress
    ):
        tables.append(members)
        parameters[members[0].architecture, members[0].chunk] = on_host(flat)[: len(members)]
    seconds = time.perf_counter() - began
    return Zoo.in_memory(
        Members.joined(tables), parameters, describe(config, domain), {"seconds": seconds}, shared_of(built)
    )


def shared_of(built: Sequence[Architecture]) -> dict[str, PyTree]:
    """What all networks of an architecture have in common, by its name, where there is such."""
    return {one.name: one.shared for one in built if jax.tree.leaves(one.shared)}


def describe(config: ZooConfig, domain: str) -> dict[str, Any]:
    """What makes a zoo, as JSON holds it."""
    return {"domain": domain, **json.loads(json.dumps(dataclasses.asdict(config)))}


def architectures_of(
    config: ZooConfig, dataset: Dataset, modules: Sequence[Architecture] = ()
) -> tuple[Architecture, ...]:
    """The architectures of a zoo, in the order of its populations."""
    given = {module.name: module for module in modules}
    return tuple(given.get(name) or dataset.behaviour.architecture(name) for name, _ in config.populations)


def chunk_sizes(
    config: ZooConfig, built: Sequence[Architecture], dataset: Dataset, *, make_training: MakeTraining, mesh: Mesh
) -> dict[str, int]:
    """Networks that train together, by architecture: as the configuration or the memory of an accelerator says."""
    with lowering_of(mesh):
        if config.chunk or on_cpu():
            return {one.name: chunk_size(config, one.size) for one in built}
        return {one.name: networks_together(make_training(one, config.of(one.name)), dataset, mesh) for one in built}


def train_chunks(
    cohorts: Sequence[Cohort],
    dataset: Dataset,
    *,
    make_training: MakeTraining,
    mesh: Mesh,
    is_finished: IsFinished = lambda architecture, chunk, indices: False,
    on_progress: OnZooProgress,
) -> Iterator[tuple[Float[Array, "row size"], Members]]:
    """Train the members of a zoo, chunk after chunk, but for those that are finished.

    Yields:
      Parameters of a chunk's members, then rows that only fill up the devices; and the members.
    """
    total = sum(int(np.asarray(cohort.untrained.stop).sum()) for cohort in cohorts)
    for cohort in cohorts:
        name, devices = cohort.architecture.name, part_of(mesh, len(cohort.splits))
        architecture, data = put_everywhere((cohort.architecture, dataset), devices)
        trainer = _trainer(make_training, cohort, devices)
        for number, indices in enumerate(cohort.chunks):
            networks = jax.tree.map(lambda leaf, rows=indices: leaf[rows], cohort.untrained)
            if is_finished(name, number, indices):
                on_progress(int(np.asarray(networks.stop).sum()), total, float("nan"))
                continue
            trained = trainer.train(
                networks,
                architecture,
                data,
                lambda done, loss: on_progress(done, total, loss),
                width=len(cohort.chunks[0]),
            )
            yield trained.flat, _table(cohort, number, trained)


def _trainer(make_training: MakeTraining, cohort: Cohort, mesh: Mesh) -> Trainer:
    """The trainer of a cohort: that of an earlier one, where only the seed or numbers of networks are others."""
    config = dataclasses.replace(cohort.config, seed=0, chunk=0, members=())
    options = tuple(compiler_options(cohort.architecture).items())
    return _compiled(make_training, config, cohort.architecture.name, options, mesh)


@functools.lru_cache(maxsize=16)
def _compiled(make_training: MakeTraining, config: ZooConfig, name: str, options: tuple, mesh: Mesh) -> Trainer:
    del name  # an architecture's own, since a trainer learns how long its steps take
    return Trainer(
        lambda architecture: make_training(architecture, config),
        mesh,
        checks=validation_steps(config),
        matmul=config.matmul,
        options=dict(options),
    )


def _table(cohort: Cohort, number: int, trained: Trained) -> Members:
    """The table of a chunk: what is the same for all, and what training left of each."""
    indices, config = cohort.chunks[number], cohort.config
    count = len(indices)
    outcome = jax.tree.map(lambda leaf: leaf[:count], on_host(trained.outcome))
    return Members(
        {
            "architecture": [cohort.architecture.name] * count,
            "index": indices,
            "item": [cohort.items[index] for index in indices],
            "split": [cohort.splits[index] for index in indices],
            "status": np.where(outcome.finite, "finite", "diverged"),
            "seed": [config.seed] * count,
            "initialisation": ["shared" if config.shared_init else "own"] * count,
            "steps": cohort.untrained.stop[indices],
            "learning_rate": [config.learning_rate] * count,
            "loss": outcome.loss,
            "score_validation": outcome.score_validation,
            "score_test": outcome.score_test,
            "chunk": [number] * count,
            "row": range(count),
            "checksum": _checksums(trained.flat)[:count],
            **outcome.columns,
        }
    )


def _checksums(flat: Float[Array, "row size"]) -> list[str]:
    """CRC-32 of each row, computed by the process that has it."""
    shards = sorted(flat.addressable_shards, key=lambda shard: shard.index[0].start or 0)
    sums = on_host(np.array([crc32(row) for shard in shards for row in np.asarray(shard.data)], np.uint32))
    return [f"{crc:08x}" for crc in sums]
