"""How many networks train together on an accelerator: as many as its memory holds."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core
from jax.sharding import Mesh

from netspace_jax.behaviour import Dataset
from netspace_jax.config import ZooConfig
from netspace_jax.ops.devices import device_bytes
from netspace_jax.zoo.plan import MOST_TOGETHER, member_key
from netspace_jax.zoo.training import Training

_SHARE = 0.6  # of the memory; the data, the program and what the allocator cannot use take the rest


def networks_together(training: Training, config: ZooConfig, name: str, dataset: Dataset, mesh: Mesh) -> int:
    """Networks of a chunk, whole times 64 where that many fit.

    Args:
      name: of the architecture.
    """
    each = int(_SHARE * device_bytes() // step_bytes(training, config, name, dataset))
    each = min(each // 64 * 64 if each >= 64 else max(each, 1), MOST_TOGETHER)
    return each * mesh.size


def step_bytes(training: Training, config: ZooConfig, name: str, dataset: Dataset) -> int:
    """Bytes that one network's training step writes, if nothing is fused: no less than what it holds at once."""

    def step(index, dataset):
        state = training.start(member_key(config, name, index), index, jnp.int32(1))
        return training.advance(state, dataset, jnp.int32(0), jnp.int32(1), 1)

    return _written(jax.make_jaxpr(step)(jnp.int32(0), dataset).jaxpr)


def _written(jaxpr: core.Jaxpr) -> int:
    total = 0
    for equation in jaxpr.eqns:
        inner = [
            each for value in equation.params.values() for each in (value if isinstance(value, tuple) else (value,))
        ]
        within = [each.jaxpr if isinstance(each, core.ClosedJaxpr) else each for each in inner]
        called = [each for each in within if isinstance(each, core.Jaxpr)]
        arrays: list[Any] = [atom.aval for atom in equation.outvars]
        own = sum(array.size * array.dtype.itemsize for array in arrays)
        total += sum(map(_written, called)) if called else own
    return total
