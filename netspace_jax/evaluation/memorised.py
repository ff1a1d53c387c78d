"""Does NetSpace generate networks, or repeat those it was shown?

Several generators of weights have been found to memorise (Zeng et al. 2025, arXiv 2506.07998), so generated networks
are compared with the nearest network of the training set, and with what takes no generator at all.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from netspace_jax.objectives import Shown
from netspace_jax.population import outputs_of
from netspace_jax.tasks import Split, Task


class Nearest(NamedTuple):
    """For each network, how near the nearest of a training set is.

    Attributes:
      distance: Euclidean distance of parameters over the norm of the network's own.
      agreement: share of inputs on which the one of the training set that agrees most says the same.
    """

    distance: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]


@functools.partial(jax.jit, static_argnames=("architecture", "split"))
def _nearest(architecture, flats: Float[Array, "network size"], training: Shown, task: Task, split: Split):
    examples = task.examples(split, training.items[0])

    def outputs(flat):
        return outputs_of(architecture, flat, examples.inputs)

    known = jax.lax.map(outputs, training.flats, batch_size=32)

    def one(flat):
        own = outputs(flat)
        distance = jnp.sqrt(jnp.square(training.flats - flat[None]).sum(1).min()) / jnp.linalg.norm(flat)
        return distance, jax.vmap(lambda wanted: task.agreement(wanted, own))(known).max()

    return jax.lax.map(one, flats)


def nearest(architecture, flats: Float[Array, "network size"], training: Shown, task: Task, split: Split = "test") -> Nearest:
    """Nearest training networks, in parameters and in behaviour, of some networks."""
    return Nearest(*map(np.asarray, _nearest(architecture, flats, training, task, split)))


def disturbed(flats: Float[Array, "network size"], size: float, seed: int = 0) -> Float[Array, "network size"]:
    """Networks with Gaussian noise of `size` times each network's own deviation added to their parameters."""
    deviation = flats.std(1, keepdims=True)
    return flats + size * deviation * jax.random.normal(jax.random.key(seed), flats.shape)
