"""A function of ONE network for many: over the devices of a mesh, or in blocks of one size.

Accelerators take the networks of a share together, by vmap. A core takes them one after another: the activations of one
network stay in its cache, and those of many do not.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int, PyTree, Shaped

from netspace_jax.ops.devices import AXIS, device_bytes
from netspace_jax.ops.platform import lowering_of, on_cpu

# Networks that are encoded, decoded and run at once in an evaluation: bounds its memory.
BLOCK = 32
# Where there are many more, and each takes few bytes, blocks are larger, so that the host has less to do.
LARGE_BLOCK, LARGE_BYTES = 1024, 2**23
# Networks that run together where many are embedded: embeddings of LeNetLikes take 1.1 ms of two cores at 8, 1.5 at 32,
# 1.8 where all of 256 run together.
FEW = 8
# An accelerator's memory for one network of an evaluation: the patches of a ResNet's largest convolution, and more.
NETWORK_BYTES = 2**29

# Any rows, one for each network.
Rows = Array | np.ndarray


def each_network(function: Callable[..., PyTree], mesh: Mesh, shared: int) -> Callable[..., PyTree]:
    """A function of ONE network for all that lie on the devices of a mesh, each device with its own share.

    Args:
      shared: the last so many arguments are the same for all networks.
    """

    def share(*arguments):
        networks, rest = arguments[: len(arguments) - shared], arguments[len(arguments) - shared :]
        with lowering_of(mesh):
            if on_cpu():
                return jax.lax.map(lambda one: function(*one, *rest), networks)
            return jax.vmap(function, (0,) * len(networks) + (None,) * shared)(*arguments)

    def on_mesh(*arguments):
        specs = (PartitionSpec(AXIS),) * (len(arguments) - shared) + (PartitionSpec(),) * shared
        # Unchecked: no network knows of another, so there is nothing to reduce.
        return jax.shard_map(share, mesh=mesh, in_specs=specs, out_specs=PartitionSpec(AXIS), check_vma=False)(
            *arguments
        )

    return on_mesh


def few_together(function: Callable[..., PyTree]) -> Callable[..., PyTree]:
    """A function of ONE network that `jax.vmap` takes to few networks at a time on a CPU, and to all on an accelerator.

    For the parts of a larger function, vmapped over many networks on one device, in which each network runs: their
    activations would not stay in the cache. Where networks are spread over devices, each would run those of all. What
    goes in is not differentiated: `jax.custom_batching` has no reverse mode.
    """
    if not on_cpu():
        return function
    called = jax.custom_batching.custom_vmap(function)

    @called.def_vmap
    def _(size, batched, *arguments):
        leaves, tree = jax.tree.flatten(arguments)
        own = jax.tree.leaves(batched)

        def one(rows):
            rows = iter(rows)
            return function(*jax.tree.unflatten(tree, [next(rows) if is_own else leaf for leaf, is_own in pairs]))

        pairs = list(zip(leaves, own, strict=True))
        rows = [leaf for leaf, is_own in pairs if is_own]
        found = jax.vmap(one)(rows) if size <= FEW else jax.lax.map(one, rows, batch_size=FEW)
        return found, jax.tree.map(lambda _: True, found)

    return called


def in_blocks(function: Callable[..., PyTree], rows: PyTree, *rest, each: int = 0) -> PyTree:
    """What a function of a block of networks says of any number of them, as NumPy arrays; compiled once for any number.

    One network alone is a block of its own, and of many small ones more are in a block, which is compiled for itself.
    On an accelerator all blocks are one program, so that nothing comes back before the last: compiled once for a number
    of blocks.

    Args:
      function: of a module, not made anew for each call; from the number of networks that count, rows of which the
        others are repeated, and `rest`, to arrays whose first axis is the network. In `rest`, what is no array is
        static.
      rows: arrays whose first axis is the network.
      each: bytes that one network takes in a block, where that is more than its row.

    Raises:
      ValueError: there are no rows.
    """
    rows = jax.tree.map(np.asarray, rows)
    total = len(jax.tree.leaves(rows)[0])
    if not total:
        raise ValueError("no networks: there is nothing to evaluate")
    size = 1 if total == 1 else block_size(total, max(each, sum(leaf[0].nbytes for leaf in jax.tree.leaves(rows))))
    with jax.default_matmul_precision("float32"):
        if not on_cpu():
            return _in_one_program(function, rows, rest, total, size)
        return _in_many_calls(function, rows, rest, total, size)


def in_own_blocks(function: Callable[..., PyTree], rows: PyTree, *rest) -> PyTree:
    """As `in_blocks`, but few networks make a block of their own size, compiled for it.

    For what takes hundreds of steps on each network: to fill a block up would cost more than a compilation.
    """
    total = len(jax.tree.leaves(rows)[0])
    if total > BLOCK:
        return in_blocks(function, rows, *rest)
    with jax.default_matmul_precision("float32"):
        return jax.tree.map(np.asarray, function(np.int32(total), rows, *rest))


def _in_many_calls(function: Callable[..., PyTree], rows: PyTree, rest: tuple, total: int, size: int) -> PyTree:
    parts = []
    for begin in range(0, total, size):
        count = min(size, total - begin)
        block = jax.tree.map(lambda leaf, begin=begin, count=count: leaf[begin + np.arange(size) % count], rows)
        found = function(np.int32(count), block, *rest)
        parts.append(jax.tree.map(lambda leaf, count=count: np.asarray(leaf)[:count], found))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _in_one_program(function: Callable[..., PyTree], rows: PyTree, rest: tuple, total: int, size: int) -> PyTree:
    leaves, tree = jax.tree.flatten(rest)
    arrays = [leaf for leaf in leaves if isinstance(leaf, (jax.Array, np.ndarray, np.generic))]
    fixed = tuple(None if isinstance(leaf, (jax.Array, np.ndarray, np.generic)) else (leaf,) for leaf in leaves)
    order = np.arange(-(-total // size) * size) % total
    blocks = jax.tree.map(lambda leaf: leaf[order].reshape(-1, size, *leaf.shape[1:]), rows)
    found = _all_blocks(function, tree, fixed, blocks, arrays)
    return jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:])[:total], found)


@functools.partial(jax.jit, static_argnums=(0, 1, 2))
def _all_blocks(function: Any, tree: Any, fixed: tuple, blocks: PyTree, arrays: list[Array]) -> PyTree:
    given = iter(arrays)
    rest = jax.tree.unflatten(tree, [next(given) if leaf is None else leaf[0] for leaf in fixed])
    size = jax.tree.leaves(blocks)[0].shape[1]
    return jax.lax.map(lambda block: function(np.int32(size), block, *rest), blocks)


def block_size(total: int, each: int) -> int:
    """Networks of a block: a power of two times `BLOCK`, so many that at least 16 blocks remain and memory is bounded.

    On an accelerator as many as its memory holds.

    Args:
      each: bytes that one network takes.
    """
    size = BLOCK
    if not on_cpu():
        most = min(device_bytes() // max(NETWORK_BYTES, 4 * each), LARGE_BLOCK, total)
        while 2 * size <= most:
            size *= 2
        return size
    while 2 * size <= LARGE_BLOCK and 32 * size <= total and 2 * size * each <= LARGE_BYTES:
        size *= 2
    return size


def of_first(count: Int[Array, ""], function: Callable[[PyTree], PyTree], rows: PyTree) -> PyTree:
    """A function of ONE network for the first `count` rows of a block, and zeros or anything for the others."""
    if not on_cpu():
        return jax.vmap(function)(rows)

    def row(index):
        return jax.tree.map(lambda leaf: leaf[index], rows)

    size = len(jax.tree.leaves(rows)[0])
    nothing = jax.tree.map(lambda leaf: jnp.zeros((size, *leaf.shape), leaf.dtype), jax.eval_shape(function, row(0)))

    def one(index, found):
        return jax.tree.map(lambda leaf, value: leaf.at[index].set(value), found, function(row(index)))

    return jax.lax.fori_loop(0, count, one, nothing)


def each_row(function: Callable[[PyTree], PyTree], rows: PyTree) -> PyTree:
    """A function of ONE network for all rows: one after another on a core, a block at a time on an accelerator."""
    return jax.lax.map(function, rows, batch_size=None if on_cpu() else BLOCK)


def in_pieces(
    apply: Callable[[Array], Array], inputs: Shaped[Array, "n *input"], size: int = 512
) -> Float[Array, "n outputs"]:
    """Outputs of one network on any number of inputs, a piece at a time so that memory stays bounded.

    Args:
      size: most inputs of a piece.
    """
    if len(inputs) <= size:
        return apply(inputs)
    pieces = -(-len(inputs) // size)
    length = -(-len(inputs) // pieces)
    # Filled up, so that all pieces have one size and the network is compiled once.
    filled = jnp.pad(inputs, [(0, pieces * length - len(inputs))] + [(0, 0)] * (inputs.ndim - 1))
    outputs = jax.lax.map(apply, filled.reshape(pieces, length, *inputs.shape[1:]))
    return outputs.reshape(pieces * length, *outputs.shape[2:])[: len(inputs)]
