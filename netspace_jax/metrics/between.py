"""Embeddings between two architectures: what lies there is read as the architectures between them."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int

from netspace_jax.metrics.reconstruction import Reconstruction
from netspace_jax.space.loss import boundary_pairs
from netspace_jax.space.netspace import NetSpace


class Between(NamedTuple):
    """Embeddings read as the architecture at position `kind`, which lies between those at `low` and `high`."""

    low: int
    high: int
    kind: int
    embedding: Float[Array, "pair embedding"]


Pairing = Callable[[int, int], tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"]]]


def in_turn(first: int, second: int) -> tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"]]:
    """The i-th of one list with the i-th of the other, those of the shorter list again and again."""
    pairs = np.arange(max(first, second))
    return pairs % first, pairs % second


def all_pairs(first: int, second: int) -> tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"]]:
    """Each of one list with each of the other."""
    return np.divmod(np.arange(first * second), second)


def between_boundaries(netspace: NetSpace, found: Mapping[int, Reconstruction], pairing: Pairing = in_turn,
                       most: int = 64) -> Iterator[Between]:
    """Embeddings between the boundary architectures, from pairs of reconstructed networks.

    Args:
      found: by position of the architecture, networks of the boundary architectures.
      pairing: which networks of the two make a pair.
      most: pairs at most.
    """
    for low, high in boundary_pairs(len(netspace.architectures)):
        a, b = np.asarray(found[low].embedding), np.asarray(found[high].embedding)
        first, second = (rows[:most] for rows in pairing(len(a), len(b)))
        for kind in range(low + 1, high):
            share = (kind - low) / (high - low)
            yield Between(low, high, kind, (1 - share) * a[first] + share * b[second])
