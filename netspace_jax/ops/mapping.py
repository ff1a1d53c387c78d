"""A function of ONE network for many: over the devices of a mesh, or in blocks of one size.

Accelerators take the networks of a share together, by vmap. A core takes them one after another: the activations of one
network stay in its cache, and those of many do not.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float, Int, PyTree, Shaped

from netspace_jax.ops.devices import AXIS, device_bytes
from netspace_jax.ops.platform import lowering_of, on_cpu

# Networks of a block: bounds the memory of an evaluation.
BLOCK, LARGE_BLOCK = 32, 1024
# An accelerator's memory for one network of a block: the patches of a ResNet's largest convolution, and more.
NETWORK_BYTES = 2**29
# Networks that run together where many are embedded: embeddings of LeNetLikes take 1.1 ms of two cores at 8, 1.5 at 32,
# 1.8 where all of 256 run together.
FEW = 8

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


def vmap_small_batches(function: Callable[..., PyTree]) -> Callable[..., PyTree]:
    """A function of ONE network that `jax.vmap` takes to few networks at a time on a CPU, and to all on an accelerator.

    For the parts of a larger function, vmapped over many networks on one device, in which each network runs: their
    activations would not stay in the cache. Where networks are spread over devices, each would run those of all. What
    goes in is not differentiated: `jax.custom_batching` has no reverse mode.
    """
    if not on_cpu():
        return function
    called = jax.custom_batching.custom_vmap(function)

    @called.def_vmap
    def _(size, is_batched, *arguments):
        leaves, tree = jax.tree.flatten(arguments)
        pairs = list(zip(leaves, jax.tree.leaves(is_batched), strict=True))
        rows = [leaf for leaf, has_rows in pairs if has_rows]

        def one(row):
            row = iter(row)
            return function(*jax.tree.unflatten(tree, [next(row) if has_rows else leaf for leaf, has_rows in pairs]))

        found = jax.vmap(one)(rows) if size <= FEW else jax.lax.map(one, rows, batch_size=FEW)
        return found, jax.tree.map(lambda _: True, found)

    return called


def batched(
    function: Callable[..., PyTree], *, static: tuple[str, ...] = (), together: bool = True
) -> Callable[..., PyTree]:
    """A function of ONE network for any number of them, block by block, compiled once for any number.

    What comes back lies on the device. Last blocks are filled up with networks that are not used.

    Args:
      function: from the row of one network, an array or a tree of them, and what all networks have in common. To be
        called once for each such function: what is returned holds its compiled programs.
      static: names of arguments that are no arrays; they are given by name.
      together: networks of a block are one batch, as in products of matrices. Where False a core takes those of them
        that count one after another, as suits networks that run on many inputs.

    Returns:
      The function of rows, with the network as the first axis of each array, and of the rest. Its argument `size` is
      the number of networks of a block, by default that which suits the device. It raises a ValueError where there are
      no rows.
    """

    def block(count, rows, *shared, **options):
        def one(row):
            return function(row, *shared, **options)

        return jax.vmap(one)(rows) if together or not on_cpu() else _first_rows(one, count, rows)

    block.__name__ = getattr(function, "__name__", "block")  # in profiles
    compiled = jax.jit(block, static_argnames=static)

    def many(rows: PyTree, *shared: Any, size: int = 0, **options: Any) -> PyTree:
        total = len(jax.tree.leaves(rows)[0])
        if not total:
            raise ValueError("no networks: there is nothing to evaluate")
        size = size or block_size(total, together)
        results = []
        with jax.default_matmul_precision("float32"):
            for begin in range(0, total, size):
                count = min(size, total - begin)
                place = slice(begin, begin + size) if count == size else begin + np.arange(size) % count
                part = jax.tree.map(lambda leaf, place=place: leaf[place], rows)
                results.append(compiled(np.int32(count), part, *shared, **options))
        return jax.tree.map(lambda *parts: jnp.concatenate(parts)[:total] if size != total else parts[0], *results)

    return many


def block_size(total: int, together: bool) -> int:
    """Networks of a block, a power of two: on an accelerator all of them, as far as its memory allows.

    On a CPU many that are computed together come in larger blocks, at least 16 of them, whose products of matrices are
    larger: of 1,024 LeNetLikes one is embedded in 1.1 ms in blocks of 128, and in 1.4 ms in blocks of 32.
    """
    if on_cpu():
        large = min(1 << max(total // 16, 1).bit_length() - 1, LARGE_BLOCK)
        return 1 if total == 1 else max(BLOCK, large) if together else BLOCK
    most = max(min(device_bytes() // NETWORK_BYTES, LARGE_BLOCK), 1)
    return 1 << min((total - 1).bit_length(), most.bit_length() - 1)


def _first_rows(function: Callable[[PyTree], PyTree], count: Int[Array, ""], rows: PyTree) -> PyTree:
    """A function of ONE network for the first `count` rows, one after another, and zeros for the others."""

    def row(index):
        return jax.tree.map(lambda leaf: leaf[index], rows)

    size = len(jax.tree.leaves(rows)[0])
    nothing = jax.tree.map(lambda leaf: jnp.zeros((size, *leaf.shape), leaf.dtype), jax.eval_shape(function, row(0)))

    def one(index, found):
        return jax.tree.map(lambda leaf, value: leaf.at[index].set(value), found, function(row(index)))

    return jax.lax.fori_loop(0, count, one, nothing)


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
