"""Gradient steps on one point, a batch of inputs drawn anew for each."""

from collections.abc import Callable
from typing import cast

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Shaped

from netspace_jax.ops.keys import Purpose, key_of

Loss = Callable[[Float[Array, "size"], Shaped[Array, "n *input"]], Float[Array, ""]]
"""From a point and inputs to what is minimised."""


def descend(
    loss: Loss,
    point: Float[Array, "size"],
    inputs: Shaped[Array, "n *input"],
    optimizer: optax.GradientTransformation,
    *,
    steps: int,
    batch: int,
    seed: int,
) -> Float[Array, "size"]:
    """The point after some steps. The draws depend on seed and step alone: mapped over many points, they are shared.

    Args:
      inputs: what each step draws from; all of them where there are no more than `batch`.
    """

    def step(carry, index):
        point, state = carry
        drawn = inputs
        if batch < len(inputs):
            drawn = inputs[jax.random.randint(key_of(seed, Purpose.BATCHES, index), (batch,), 0, len(inputs))]
        updates, state = optimizer.update(jax.grad(loss)(point, drawn), state)
        return (optax.apply_updates(point, updates), state), None

    (end, _), _ = jax.lax.scan(step, (point, optimizer.init(point)), jnp.arange(steps))
    return cast(Array, end)


def some_of(inputs: Shaped[Array, "n *input"], most: int, seed: int) -> Shaped[Array, "m *input"]:
    """All inputs, or at most so many of them, drawn by a seed."""
    if len(inputs) <= most:
        return inputs
    return inputs[jax.random.randint(key_of(seed, Purpose.BATCHES, most), (most,), 0, len(inputs))]
