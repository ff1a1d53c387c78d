"""A function of ONE row, such as a task or a training, for many on all devices, compiled once for any number."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import PyTree

from netspace_jax.ops.devices import network_mesh, on_host, over_networks, padded, part_of, put_everywhere
from netspace_jax.ops.mapping import each_network
from netspace_jax.ops.platform import lowering_of

_BLOCK = 64  # rows of one call, which bounds its memory


def spread(function: Callable[..., PyTree], shared: int) -> Callable[..., PyTree]:
    """`function(row, *common)` for rows: `many(rows, *common)`, with what comes back on the host.

    Args:
      function: of the row of ONE, an array or a tree of them, and of `shared` arguments that all have in common. To be
        called once for each such function: what is returned holds its compiled programs.
    """

    @functools.cache
    def compiled(mesh: Mesh) -> Callable[..., PyTree]:
        return jax.jit(each_network(function, mesh, shared))

    def many(rows: PyTree, *common: Any) -> PyTree:
        total = len(jax.tree.leaves(rows)[0])
        mesh = part_of(network_mesh(), total)
        size = padded(min(total, _BLOCK), mesh)
        common = put_everywhere(common, mesh)
        results = []
        with lowering_of(mesh), jax.default_matmul_precision("float32"):
            for begin in range(0, total, size):
                # The last rows are filled up, so that nothing is compiled for their number.
                places = (begin + np.arange(size)) % total
                part = jax.tree.map(lambda leaf, places=places: leaf[places], rows)
                results.append(on_host(compiled(mesh)(jax.device_put(part, over_networks(mesh)), *common)))
        return jax.tree.map(lambda *parts: np.concatenate(parts)[:total], *results)

    return many
