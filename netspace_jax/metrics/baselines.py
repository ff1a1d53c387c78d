"""What takes no space, for the same table as generated networks (docs/method.md, Metrics)."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour
from netspace_jax.latent import Schedule, drawn_rows, minimise
from netspace_jax.metrics.outputs import agreement_with_each, outputs_on
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import BLOCK, Rows, batched

RATE = 3e-3  # of Adam, for a network that is distilled


def nearest_networks(
    behaviour: Behaviour,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    training: Float[Rows, "known size"],
    inputs: Shaped[Rows, "n *input"],
) -> Int[np.ndarray, "network"]:
    """For each network the row of the training network that agrees with it most.

    Args:
      inputs: not for test; of many, 4,096 are drawn.
    """
    inputs = drawn_rows(jnp.asarray(inputs), key_of(0, Purpose.BATCHES, 4096), 4096)
    own, known = (outputs_on(architecture, rows, inputs) for rows in (flats, training))
    return agreement_with_each(behaviour, own, known).argmax(1)


def distilled(
    behaviour: Behaviour,
    architecture: Architecture,
    wanted: Float[Rows, "network wanted_size"],
    inputs: Shaped[Rows, "n *input"],
    *,
    teacher: Architecture | None = None,
    steps: int,
    batch: int,
    seed: int = 0,
) -> Float[np.ndarray, "network size"]:
    """Networks of an architecture, each trained from a random initialisation to imitate a given one.

    Args:
      teacher: their architecture; by default that of the imitations.
      inputs: what they are trained on, without labels.
      steps: of Adam, its rate falling to a fiftieth along a cosine.
    """
    rows = (wanted, np.arange(len(wanted), dtype=np.int32))
    schedule = Schedule(np.int32(steps), np.float32(RATE), final=np.float32(0.02))
    keys = key_of(seed, Purpose.INIT), key_of(seed, Purpose.BATCHES)
    shared = (teacher or architecture, architecture, inputs, keys, schedule)
    return np.asarray(_distil(rows, *shared, behaviour=behaviour, batch=batch, size=min(len(wanted), BLOCK)))


@functools.partial(batched, static=("behaviour", "batch"))
def _distil(row, teacher, architecture, inputs, keys, schedule, behaviour, batch):
    (teacher_flat, number), (init_key, batch_key) = row, keys
    start = architecture.finish(architecture.init(jax.random.fold_in(init_key, number)))

    def loss(flat, key, step):
        x = drawn_rows(inputs, jax.random.fold_in(key, step), batch)
        return behaviour.imitation_loss(teacher.apply(teacher_flat, x), architecture.apply(flat, x))

    return minimise(loss, start, batch_key, schedule).last
