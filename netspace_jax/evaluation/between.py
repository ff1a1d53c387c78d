"""Embeddings between two architectures: what lies there is read as the architectures between them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float

from netspace_jax.evaluation.reconstruct import Reconstruction
from netspace_jax.netspace import NetSpace
from netspace_jax.objectives import boundary_pairs


class Between(NamedTuple):
    """Embeddings read as the architecture at position `kind`, which lies between those at `low` and `high`."""

    low: int
    high: int
    kind: int
    embedding: Float[Array, "pair embedding"]


def between_boundaries(netspace: NetSpace, found: Mapping[int, Reconstruction], pairs: int = 64) -> Iterator[Between]:
    """Embeddings between the boundary architectures, from pairs of reconstructed networks.

    Args:
      found: by position of the architecture, networks of the boundary architectures.
      pairs: at most this many pairs; the i-th network of one with the i-th of the other, those of the shorter list in turn.
    """
    for low, high in boundary_pairs(len(netspace.architectures)):
        a, b = np.asarray(found[low].embedding), np.asarray(found[high].embedding)
        count = min(pairs, max(len(a), len(b)))
        a, b = a[np.arange(count) % len(a)], b[np.arange(count) % len(b)]
        for kind in range(low + 1, high):
            share = (kind - low) / (high - low)
            yield Between(low, high, kind, (1 - share) * a + share * b)
