"""What takes no space, for the same table as generated networks (docs/method.md, Metrics)."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour
from netspace_jax.metrics.outputs import agreement_with_each, outputs_on
from netspace_jax.ops.descent import descend, some_of
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import Rows, in_own_blocks

RATE = 3e-3  # of Adam, for a network that is distilled


def nearest_networks(
    behaviour: Behaviour,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    training: Float[Rows, "known size"],
    inputs: Float[Rows, "n *input"],
) -> Int[np.ndarray, "network"]:
    """For each network the row of the training network that agrees with it most.

    Args:
      inputs: not for test; of many, 4,096 are drawn.
    """
    inputs = some_of(jnp.asarray(inputs), 4096, 0)
    own, known = (outputs_on(architecture, rows, inputs) for rows in (flats, training))
    return agreement_with_each(behaviour, own, known).argmax(1)


def distilled(
    behaviour: Behaviour,
    architecture: Architecture,
    wanted: Float[Rows, "network wanted_size"],
    inputs: Float[Rows, "n *input"],
    *,
    teacher: Architecture | None = None,
    steps: int,
    batch: int,
    seed: int = 0,
) -> Float[np.ndarray, "network size"]:
    """Networks of an architecture, each trained from a random initialisation to imitate a given one.

    Args:
      wanted: the networks to imitate.
      teacher: their architecture; by default that of the imitations.
      inputs: what they are trained on, without labels.
      steps: of Adam, its rate falling to a fiftieth along a cosine.
      batch: inputs of one step.
    """
    numbers = np.arange(len(wanted), dtype=np.int32)
    taught = (teacher or architecture, architecture)
    return in_own_blocks(_distil, (np.asarray(wanted), numbers), inputs, taught, behaviour, steps, batch, seed)


@functools.partial(jax.jit, static_argnames=("taught", "behaviour", "steps", "batch", "seed"))
def _distil(_, rows, inputs, taught, behaviour, steps, batch, seed):
    teacher, architecture = taught
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, steps, 0.02))

    def one(row):
        flat, number = row
        own = architecture.finish(architecture.init(key_of(seed, Purpose.INIT, number)))

        def loss(own, x):
            return behaviour.imitation_loss(teacher.apply(flat, x), architecture.apply(own, x))

        return descend(loss, own, inputs, optimizer, steps=steps, batch=batch, seed=seed)

    return jax.vmap(one)(rows)
