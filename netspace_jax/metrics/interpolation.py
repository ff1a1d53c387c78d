"""The way between two networks: along the line of embeddings, and along the line of weights."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from netspace_jax.latent.search import line
from netspace_jax.space.behaviour import Rows, embed, score_embeddings, score_networks
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.task import Split, Task

STEPS = 100


class Interpolation(NamedTuple):
    """Scores at equal steps from the first of two networks to the second."""

    share: Float[np.ndarray, "step"]
    latent: Float[np.ndarray, "step"]
    weights: Float[np.ndarray, "step"]


def interpolate(netspace: NetSpace, params: PyTree, constants: Constants, task: Task, flats: Float[Rows, "2 size"],
                item: Int[Array, ""], kind: int, split: Split = "test", steps: int = STEPS) -> Interpolation:
    """Scores between two networks of one architecture, by both ways."""
    z = embed(netspace, params, constants, task, flats, kind)
    items = np.full(steps, item, np.int32)
    latent = score_embeddings(netspace, params, constants, task, line(z[0], z[1], steps), items, kind, split)
    weights = score_networks(netspace.architectures[kind], line(flats[0], flats[1], steps), task, items, split)
    return Interpolation(np.linspace(0, 1, steps), latent, weights)
