"""Refinement: the decoder inverted by gradient. Steps on an embedding until its network imitates the one it stands for.

No labels: the network's own outputs are what is wanted (docs/method.md, eq. 23).
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from netspace_jax.ops.mapping import Rows, in_blocks
from netspace_jax.space.netspace import NetSpace


@dataclasses.dataclass(frozen=True)
class RefineConfig:
    """How embeddings are refined."""

    steps: int = 400
    """Steps of Adam."""
    learning_rate: float = 0.1
    """Adam's learning rate; it falls to a hundredth along a cosine."""
    trust: float = 0.0
    """Weight of the mean squared distance to the embedding that refinement begins at."""
    inputs: int = 1024
    """Most inputs that the two networks are compared on; more are drawn from once."""

    def with_steps(self, steps: int) -> "RefineConfig":
        """The same with another number of steps."""
        return dataclasses.replace(self, steps=steps)


def refine(
    netspace: NetSpace,
    architecture_id: int,
    flats: Float[Rows, "network size"],
    z: Float[Rows, "network embedding"],
    inputs: Float[Array, "n *input"],
    config: RefineConfig,
) -> Float[np.ndarray, "network embedding"]:
    """Embeddings whose decoded networks imitate given ones, from where an encoder put them.

    Args:
      flats: the networks, all of one architecture.
      z: their embeddings to begin at.
      inputs: what the two are compared on.
    """
    if len(inputs) > config.inputs:
        inputs = inputs[np.random.default_rng(0).choice(len(inputs), config.inputs, replace=False)]
    return in_blocks(_refine, (np.asarray(flats), np.asarray(z)), netspace, inputs, architecture_id, config)


@functools.partial(jax.jit, static_argnames=("architecture_id", "config"))
def _refine(_, rows, netspace, inputs, architecture_id, config):
    architecture = netspace.architectures[architecture_id]
    optimizer = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.steps, 0.01))

    def one(row: Any) -> Float[Array, "embedding"]:
        flat, start = row
        wanted = architecture.apply(flat, inputs)

        def loss(z):
            outputs = architecture.apply(netspace.generate(z, architecture_id), inputs)
            return netspace.task.imitation_loss(wanted, outputs) + config.trust * jnp.square(z - start).mean()

        def step(carry, _) -> tuple[Any, None]:
            z, state = carry
            updates, state = optimizer.update(jax.grad(loss)(z), state)
            return (optax.apply_updates(z, updates), state), None

        (z, _), _ = jax.lax.scan(step, (start, optimizer.init(start)), None, length=config.steps)
        return z

    return jax.vmap(one)(rows)
