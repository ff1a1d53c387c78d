"""Are generated networks new, or those of the training set again? (Zeng et al. 2025, arXiv 2506.07998)"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from sklearn.metrics.pairwise import euclidean_distances

from netspace_jax.behaviour import Behaviour
from netspace_jax.metrics.outputs import agreement_with_each
from netspace_jax.ops.mapping import Rows


class Nearest(NamedTuple):
    """For each network, the nearest of a training set (docs/method.md, eq. 32).

    Attributes:
      distance: Euclidean distance of parameters over the norm of the network's own.
      agreement: share of inputs on which the one of the training set that agrees most says the same.
    """

    distance: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]


def nearest(
    behaviour: Behaviour,
    flats: Float[Rows, "network size"],
    training: Float[Rows, "training size"],
    *,
    outputs: Float[Rows, "network n *output"],
    training_outputs: Float[Rows, "training n *output"],
) -> Nearest:
    """Nearest training networks, in parameters and in behaviour, of some networks.

    Args:
      outputs, training_outputs: of networks and of training networks on the same inputs.
    """
    # Products find the nearest fast, and round; its own distance is computed without, so that a copy has none.
    closest = np.asarray(training)[euclidean_distances(flats, training).argmin(1)]
    distance = np.linalg.norm(flats - closest, axis=1) / np.linalg.norm(flats, axis=1)
    return Nearest(distance, agreement_with_each(behaviour, outputs, training_outputs).max(1))


def add_noise(flats: Float[Rows, "network size"], size: float, seed: int = 0) -> Float[np.ndarray, "network size"]:
    """Networks with Gaussian noise of `size` times each network's own standard deviation added to their parameters."""
    noise = np.random.default_rng(seed).standard_normal(flats.shape, np.float32)
    return np.asarray(flats) + size * np.std(flats, 1, keepdims=True) * noise


def error_iou(
    wrong: Bool[np.ndarray, "network n"], training_wrong: Bool[np.ndarray, "training n"]
) -> Float[np.ndarray, "network"]:
    """Largest intersection over union of a network's errors with those of any training network.

    Low is new (docs/method.md, eq. 33). 0 where neither errs.
    """
    errors, training_errors = wrong.astype(np.float32), training_wrong.astype(np.float32)
    both = errors @ training_errors.T
    either = errors.sum(1)[:, None] + training_errors.sum(1)[None] - both
    return (both / np.maximum(either, 1)).max(1)


def gaussian(flats: Float[Rows, "network size"], count: int, seed: int = 0) -> Float[np.ndarray, "count size"]:
    """Networks drawn from a Gaussian with the mean and the standard deviation of each parameter."""
    noise = np.random.default_rng(seed).standard_normal((count, flats.shape[1]), np.float32)
    return np.asarray(flats).mean(0) + np.asarray(flats).std(0) * noise
