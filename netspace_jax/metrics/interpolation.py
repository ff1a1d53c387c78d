"""Scores between two networks: along the line of embeddings, along the line of weights, and between architectures."""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from netspace_jax.dataset import Dataset
from netspace_jax.latent import line
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.metrics.reconstruction import Reconstruction
from netspace_jax.ops.mapping import Rows
from netspace_jax.space.batched import generate_many
from netspace_jax.space.loss import boundary_pairs
from netspace_jax.space.netspace import NetSpace

STEPS = 100


class Interpolation(NamedTuple):
    """Scores at equal steps from the first of two networks to the second."""

    share: Float[np.ndarray, "step"]
    latent: Float[np.ndarray, "step"]
    weights: Float[np.ndarray, "step"]


def interpolate(
    netspace: NetSpace,
    dataset: Dataset,
    flats: Float[Rows, "2 size"],
    z: Float[Rows, "2 embedding"],
    architecture_id: int,
    steps: int = STEPS,
) -> Interpolation:
    """Scores on test inputs between two networks of one architecture, along lines of embeddings and of weights.

    Args:
      z: embeddings of the two.
    """
    architecture = netspace.architectures[architecture_id]
    latent = scores_of(dataset, architecture, generate_many(netspace, architecture_id, line(z[0], z[1], steps)))
    weights = scores_of(dataset, architecture, line(flats[0], flats[1], steps))
    return Interpolation(np.linspace(0, 1, steps), latent, weights)


class Between(NamedTuple):
    """Embeddings read as the architecture `architecture_id`, which lies between those at `low` and `high`."""

    low: int
    high: int
    architecture_id: int
    embedding: Float[np.ndarray, "pair embedding"]


Pairing = Callable[[int, int], tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"]]]


def in_turn(first: int, second: int) -> tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"]]:
    """The i-th of one list with the i-th of the other, those of the shorter list again and again."""
    pairs = np.arange(max(first, second))
    return pairs % first, pairs % second


def all_pairs(first: int, second: int) -> tuple[Int[np.ndarray, "pair"], Int[np.ndarray, "pair"]]:
    """Each of one list with each of the other."""
    return np.divmod(np.arange(first * second), second)


def between_boundaries(
    netspace: NetSpace, ends: Mapping[int, Reconstruction], pairing: Pairing = in_turn, most: int = 64
) -> Iterator[Between]:
    """Embeddings between the boundary architectures, from pairs of reconstructed networks.

    Args:
      pairing: rows of the first and of the second networks that make pairs.
    """
    for low, high in boundary_pairs(len(netspace.architectures)):
        a, b = np.asarray(ends[low].embedding), np.asarray(ends[high].embedding)
        first, second = (rows[:most] for rows in pairing(len(a), len(b)))
        for architecture_id in range(low + 1, high):
            share = (architecture_id - low) / (high - low)
            yield Between(low, high, architecture_id, (1 - share) * a[first] + share * b[second])
