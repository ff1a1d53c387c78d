"""Random access to a random permutation: a stateless, vmapped training step goes through epochs with it."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from netspace_jax.ops.platform import on_cpu

_ROUNDS = 6
_SURE = 64  # a walk of static length has ended but once in 2**64 times


def batch_of_epoch(key: PRNGKeyArray, step: Int[Array, ""], size: int, count: int) -> Int[Array, "batch"]:
    """Which of `count` inputs the batch of a step is of: an epoch goes once through all, in a new order each.

    But for the last incomplete batch, which is left out.
    """
    size = min(size, count)
    epoch, batch = jnp.divmod(step, count // size)
    return shuffled(jax.random.fold_in(key, epoch), batch * size + jnp.arange(size), count)


def shuffled(key: PRNGKeyArray, position: Int[Array, "n"], count: int) -> Int[Array, "n"]:
    """Where `position` goes under the permutation of range(count) that `key` stands for.

    A Feistel network permutes the next power of two; values outside the range are sent through again until they
    fall inside (cycle walking; Black and Rogaway 2002). Costs a few integer operations a position, whatever `count`.
    On an accelerator the walk has a static length, which nobody has to wait for.

    Args:
      count: size of the permutation, below 2**31.
    """
    bits = max((count - 1).bit_length(), 2)
    low = bits // 2
    high = bits - low
    keys = jax.random.bits(key, (_ROUNDS,), "uint32")

    def mix(x, k):
        x = (x ^ k) * jnp.uint32(0x9E3779B1)
        x = (x ^ (x >> 15)) * jnp.uint32(0x85EBCA77)
        return x ^ (x >> 13)

    def permute(x):
        left, right = x >> low, x & ((1 << low) - 1)
        for r in range(0, _ROUNDS, 2):
            left = left ^ (mix(right, keys[r]) & ((1 << high) - 1))
            right = right ^ (mix(left, keys[r + 1]) & ((1 << low) - 1))
        return (left << low) | right

    def walk(x):
        return jnp.where(x >= count, permute(x), x)

    first = permute(position.astype(jnp.uint32))
    if on_cpu():
        return jax.lax.while_loop(lambda x: (x >= count).any(), walk, first).astype(jnp.int32)
    outside = 1 - count / 2**bits
    walks = math.ceil(_SURE / -math.log2(outside)) if outside else 0
    return jax.lax.fori_loop(0, walks, lambda _, x: walk(x), first).astype(jnp.int32)
