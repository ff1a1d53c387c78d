"""Gradient steps on the examples of a new task, from a network."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.behaviour import Supervised
from netspace_jax.latent import Schedule, minimise
from netspace_jax.metrics.adaptation.adapter import Examples, OneNetwork, example_loss


@flax.struct.dataclass
class Steps:
    """How a network is tuned: the rate of Adam's first step, which falls along a cosine, and the number of steps."""

    rate: Float[Any, "*count"]
    steps: Int[Any, "*count"]


@flax.struct.dataclass
class Tuned(OneNetwork):
    """A network tuned on the examples by Adam.

    Attributes:
      start: gives the network that it begins at.
    """

    start: OneNetwork
    settings: Steps
    behaviour: Supervised = flax.struct.field(pytree_node=False)

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """Parameters after the last step."""
        start_key, key = jax.random.split(key)

        def loss(flat, key, step):
            del key, step
            return example_loss(self.behaviour, self.architecture.bind(flat), examples)

        schedule = Schedule(self.settings.steps, self.settings.rate, final=jnp.float32(0.1))
        return minimise(loss, self.start.flat(start_key, examples), key, schedule).last
