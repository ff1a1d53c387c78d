"""What takes no space, for the same table as generated networks (docs/method.md, Metrics)."""

import functools

import jax
import numpy as np
import optax
from jaxtyping import Float, Int

from netspace_jax.architectures import Architecture
from netspace_jax.metrics.behaviour import agreement_with_each, outputs_on
from netspace_jax.ops.descent import descend
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import Rows, in_blocks
from netspace_jax.task import Task

RATE = 3e-3  # of Adam, for a network that is distilled


def nearest_networks(
    task: Task,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    training: Float[Rows, "known size"],
    inputs: Float[Rows, "n *input"],
) -> Int[np.ndarray, "network"]:
    """For each network the row of the training network that agrees with it most, on inputs that are not for test."""
    own, known = (outputs_on(architecture, rows, inputs) for rows in (flats, training))
    return agreement_with_each(task, own, known).argmax(1)


def distilled(
    task: Task,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    inputs: Float[Rows, "n *input"],
    *,
    steps: int,
    batch: int,
    seed: int = 0,
) -> Float[np.ndarray, "network size"]:
    """Networks of the same architecture, each trained from a random initialisation to imitate a given one.

    Args:
      inputs: what they are trained on, without labels.
      steps: of Adam, its rate falling to a fiftieth along a cosine.
      batch: inputs of one step.
    """
    numbers = np.arange(len(flats), dtype=np.int32)

    def block(count, rows, inputs):
        return _distil(count, rows, inputs, architecture, task, steps, batch, seed)

    return in_blocks(block, (np.asarray(flats), numbers), inputs)


@functools.partial(jax.jit, static_argnames=("architecture", "task", "steps", "batch", "seed"))
def _distil(_, rows, inputs, architecture, task, steps, batch, seed):
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, steps, 0.02))

    def one(row):
        flat, number = row
        own = architecture.finish(architecture.init(key_of(seed, Purpose.INIT, number)))

        def loss(own, x):
            return task.imitation_loss(architecture.apply(flat, x), architecture.apply(own, x))

        return descend(loss, own, inputs, optimizer, steps=steps, batch=batch, seed=seed)

    return jax.vmap(one)(rows)
