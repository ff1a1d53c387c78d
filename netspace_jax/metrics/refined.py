"""Refinement as reports measure it: embeddings of members, each imitating its network on training inputs."""

import time
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Shaped

from netspace_jax.config import RefineConfig
from netspace_jax.dataset import Dataset, ImitationInputs, one_task
from netspace_jax.metrics.outputs import MemberIndices
from netspace_jax.ops.mapping import Rows
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.refinement import refine

_POINTS = 24576  # training inputs of one network that refinement draws from, where each network has its own


class Refined(NamedTuple):
    """Refined embeddings, and the seconds that they took, compilation included."""

    embedding: Float[np.ndarray, "network embedding"]
    seconds: float


def refine_embeddings(
    netspace: NetSpace,
    dataset: Dataset,
    flats: Float[Rows, "network size"],
    z: Float[Rows, "network embedding"],
    members: MemberIndices = None,
    *,
    architecture_id: int,
    config: RefineConfig,
) -> Refined:
    """Embeddings of networks, refined on the training inputs of each one's task, without labels.

    Args:
      config: how they are refined, and on inputs of which split it is judged how far an embedding moves.
    """
    started = time.perf_counter()
    if not config.steps:
        return Refined(np.asarray(z), 0.0)
    inputs, held_out = _imitation_inputs(dataset, members, config)
    refined = refine(netspace, architecture_id, flats, z, inputs=inputs, held_out=held_out, config=config)
    return Refined(np.asarray(refined), time.perf_counter() - started)


def _imitation_inputs(
    dataset: Dataset, members: MemberIndices, config: RefineConfig
) -> tuple[Shaped[Rows, "..."], Shaped[Rows, "..."] | None]:
    """Inputs that the steps draw from, and those that they do not see, if there are any."""
    judged = config.judged_on == "validation"
    if one_task(dataset) or members is None:
        inputs = dataset.examples("train").inputs
        return inputs, dataset.examples("validation").inputs if judged else None
    tasks = [dataset.of(int(member)) for member in members]
    inputs = np.stack([np.asarray(_some_inputs(task, config.seed)) for task in tasks])
    return inputs, np.stack([np.asarray(task.examples("validation").inputs) for task in tasks]) if judged else None


def _some_inputs(task: Dataset, seed: int) -> Shaped[Rows, "n *input"]:
    """Inputs of ONE network that its refinement draws from."""
    if isinstance(task, ImitationInputs):
        return task.imitation_inputs(_POINTS, seed)
    inputs = task.examples("train").inputs
    return inputs[np.random.default_rng(seed).permutation(len(inputs))[:_POINTS]]
