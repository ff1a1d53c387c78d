"""How many networks train together on an accelerator: as many as its memory holds."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core
from jax.sharding import Mesh

from netspace_jax.dataset import Dataset
from netspace_jax.ops.devices import device_bytes
from netspace_jax.population.network import Training, Untrained
from netspace_jax.zoo.plan import MAX_CHUNK

_SHARE = 0.6  # of the memory; the data, the program and what the allocator cannot use take the rest


def networks_together(training: Training, dataset: Dataset, mesh: Mesh) -> int:
    """Networks of a chunk, whole times 64 where that many fit."""
    count = int(_SHARE * device_bytes() // step_bytes(training, dataset))
    return min(count // 64 * 64 if count >= 64 else max(count, 1), MAX_CHUNK) * mesh.size


def step_bytes(training: Training, dataset: Dataset) -> int:
    """Bytes that one network's training step writes, if nothing is fused: no less than what it holds at once."""

    def step(untrained, dataset):
        return training.advance(training.start(untrained, dataset), dataset, jnp.int32(0), jnp.int32(1), 1)

    key, init_key = jax.random.split(jax.random.key(0))
    untrained = Untrained(key, init_key, jnp.int32(0), jnp.int32(1))
    return _written(jax.make_jaxpr(step)(untrained, dataset).jaxpr)


def _written(jaxpr: core.Jaxpr) -> int:
    total = 0
    for equation in jaxpr.eqns:
        inner = [value.jaxpr for value in jax.tree.leaves(equation.params) if isinstance(value, core.ClosedJaxpr)]
        inner += [value for value in jax.tree.leaves(equation.params) if isinstance(value, core.Jaxpr)]
        results: list[Any] = [atom.aval for atom in equation.outvars]
        total += sum(map(_written, inner)) if inner else sum(one.size * one.dtype.itemsize for one in results)
    return total
