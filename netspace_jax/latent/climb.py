"""Gradient search from many points at once; what is best by the search objective is kept (docs/method.md, eq. 24)."""

from collections.abc import Callable
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float

from netspace_jax.config import SearchConfig
from netspace_jax.latent.objectives import Objective, RunNetwork
from netspace_jax.latent.region import Region
from netspace_jax.ops.keys import Purpose, key_of


@flax.struct.dataclass
class Found:
    """What a search came to.

    Attributes:
      z: the best point at a validation check.
      score: its validation score, by which it was chosen.
      initial_score: validation score of the point that the search began at.
      last: the point that the search ended at.
      losses: of each step.
    """

    z: Float[Array, "*start embedding"]
    score: Float[Array, "*start"]
    initial_score: Float[Array, "*start"]
    last: Float[Array, "*start embedding"]
    losses: Float[Array, "*start step"]


@flax.struct.dataclass
class Ground:
    """What a search moves on, as functions of ONE point.

    Attributes:
      network_of: from a point to the network that it stands for.
      penalty: a term of the loss for the point itself.
      allowed: whether a point may be the result.
    """

    network_of: Callable[[Array], RunNetwork] = flax.struct.field(pytree_node=False)
    penalty: Callable[[Array], Float[Array, ""]] = flax.struct.field(
        pytree_node=False, default=lambda point: jnp.zeros(())
    )
    allowed: Callable[[Array], Bool[Array, ""]] = flax.struct.field(
        pytree_node=False, default=lambda point: jnp.ones((), bool)
    )


def climb(
    ground: Ground, region: Region, objective: Objective, initial: Float[Array, "start size"], config: SearchConfig
) -> Found:
    """Adam from many points, in units of the region."""
    optimizer = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.steps, 0.01))
    due = np.zeros(config.steps, bool)
    due[np.rint(np.linspace(0, config.steps, config.validations + 1)[1:]).astype(int) - 1] = True

    def loss_of(u, step):
        x = region.restore(u)
        loss = objective.loss(ground.network_of(x), key_of(config.seed, Purpose.BATCHES), step)
        return loss + config.trust * jnp.square(u).mean() + ground.penalty(x)

    def score_of(u):
        x = region.restore(u)
        return jnp.where(ground.allowed(x), objective.score(ground.network_of(x)), -jnp.inf)

    def better(u, best, best_score):
        score = score_of(u)
        return jnp.where(score > best_score, u, best), jnp.maximum(score, best_score)

    def step(carry, now) -> tuple[Any, Float[Array, ""]]:
        (u, state), best, best_score = carry
        index, check = now
        loss, gradient = jax.value_and_grad(loss_of)(u, index)
        updates, state = optimizer.update(gradient, state)
        u = optax.apply_updates(u, updates)
        # The same steps are checks for every point, so that mapped over points this still skips what is not due.
        best, best_score = jax.lax.cond(check, better, lambda u, *kept: kept, u, best, best_score)
        return ((u, state), best, best_score), loss

    def one(start):
        u = region.standardise(start)
        first = score_of(u)
        carry = ((u, optimizer.init(u)), u, first)
        ((u, _), best, score), losses = jax.lax.scan(step, carry, (jnp.arange(config.steps), jnp.asarray(due)))
        return Found(region.restore(best), score, first, region.restore(u), losses)

    return jax.vmap(one)(initial)
