"""One minimiser of points: Adam along a falling rate, kept near a prior; the best point at a validation check is kept.

Pure, and of ONE point: jit and vmap it where it is called (docs/method.md, eq. 22 to 24). Key, rates, trust and the
number of steps may be traced, so that other ones compile nothing anew; only the number of checks is static.
"""

from collections.abc import Callable
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree, Shaped

from netspace_jax.config import RefineConfig, SearchConfig
from netspace_jax.latent.statistics import EmbeddingStatistics

Loss = Callable[[Any, PRNGKeyArray, Int[Array, ""]], Float[Array, ""]]
"""Of a point, with the key of the whole descent and the number of the step, to draw a batch from."""
Moving = tuple[Any, Any, Float[Array, ""]]
"""A point in units of its prior's deviation, the optimiser's state, and the loss that the last step saw."""

_ADAM = optax.scale_by_adam()


@flax.struct.dataclass
class Schedule:
    """How far and how fast a point moves; all of it may be traced.

    Attributes:
      learning_rate: of the first step, in standard deviations of the prior.
      trust: weight of the mean squared distance to the prior's mean, in its standard deviations.
      final: share of the rate that is left at the end of a cosine.
    """

    steps: Int[Any, ""] | int
    learning_rate: Float[Any, ""] | float
    trust: Float[Any, ""] | float = 0.0
    final: Float[Any, ""] | float = 0.01

    @classmethod
    def of(cls, config: SearchConfig | RefineConfig, final: float = 0.01) -> "Schedule":
        """The schedule of a configuration, as arrays, which jitted functions trace."""
        return cls(
            np.int32(config.steps), np.float32(config.learning_rate), np.float32(config.trust), np.float32(final)
        )


@flax.struct.dataclass
class Minimum:
    """What a descent came to.

    Attributes:
      point: the best by score, at the start or at a check; without a score the last.
      last: the point at which the descent ended.
      scores: at the start and at each check; a score that is no number counts as minus infinity.
      losses: of the last step before each check.
    """

    point: PyTree[Float[Array, "..."]]
    last: PyTree[Float[Array, "..."]]
    scores: Float[Array, "*points check"]
    losses: Float[Array, "*points check"]

    @property
    def score(self) -> Float[Array, "*points"]:
        """Score of the best point."""
        return self.scores.max(-1)

    @property
    def initial_score(self) -> Float[Array, "*points"]:
        """Score of the point that the descent began at."""
        return self.scores[..., 0]


def minimise(
    loss: Loss,
    start: PyTree[Float[Array, "..."]],
    key: PRNGKeyArray,
    schedule: Schedule,
    *,
    prior: EmbeddingStatistics | None = None,
    score: Callable[[Any], Float[Array, ""]] | None = None,
    checks: int = 1,
    optimizer: optax.GradientTransformation = _ADAM,
) -> Minimum:
    """The lowest loss that gradient steps from one point come to.

    Args:
      key: of what the loss draws; descents that are vmapped with one key draw the same.
      prior: where points are likely: the point moves in units of its deviation, and trust is towards its mean. Without
        one the point moves as it is, and trust is towards zero.
      score: by which the best point is chosen, higher is better, at the start and at each check.
      checks: how many; they lie evenly, the last at the end, one at each step where more are asked for. With a `score`
        only.
      optimizer: from gradients to directions of unit rate.
    """
    one_step = descent_step(loss, key, schedule, prior=prior, optimizer=optimizer)
    to_point = (lambda u: u) if prior is None else prior.restore
    u = start if prior is None else prior.standardise(start)
    moving = (u, optimizer.init(u), jnp.full((), jnp.inf))
    if score is None:
        last, _, value = jax.lax.fori_loop(0, schedule.steps, one_step, moving)
        return Minimum(to_point(last), to_point(last), jnp.zeros(0), value[None])

    def score_at(u):
        return jnp.nan_to_num(score(to_point(u)), nan=-jnp.inf, posinf=jnp.inf, neginf=-jnp.inf)

    def until_check(carry, due):
        (moving, best, best_score), (begin, end) = carry, due
        moving = jax.lax.fori_loop(begin, end, one_step, moving)
        reached = score_at(moving[0])
        best = jax.tree.map(lambda new, old: jnp.where(reached > best_score, new, old), moving[0], best)
        return (moving, best, jnp.maximum(reached, best_score)), (reached, moving[2])

    due = jnp.rint(jnp.linspace(0, schedule.steps, checks + 1)).astype(jnp.int32)
    first = score_at(u)
    (moving, best, _), (scores, losses) = jax.lax.scan(until_check, (moving, u, first), (due[:-1], due[1:]))
    return Minimum(to_point(best), to_point(moving[0]), jnp.append(first, scores), losses)


def descent_step(
    loss: Loss,
    key: PRNGKeyArray,
    schedule: Schedule,
    *,
    prior: EmbeddingStatistics | None = None,
    optimizer: optax.GradientTransformation = _ADAM,
) -> Callable[[Int[Any, ""], Moving], Moving]:
    """One step of `minimise`, as a function of its number and of what it moves; arguments as there."""
    rate_of = optax.cosine_decay_schedule(schedule.learning_rate, 1, schedule.final)

    def loss_at(u, step):
        size = sum(leaf.size for leaf in jax.tree.leaves(u))
        value = loss(u if prior is None else prior.restore(u), jax.random.clone(key), step)
        return value + schedule.trust * optax.tree.norm(u, squared=True) / size

    def one_step(step, moving):
        u, state, _ = moving
        value, gradient = jax.value_and_grad(loss_at)(u, step)
        direction, state = optimizer.update(gradient, state, u)
        rate = rate_of(step / schedule.steps)
        return jax.tree.map(lambda x, change: x - rate * change, u, direction), state, value

    return one_step


def drawn_rows(rows: Shaped[Array, "n *row"], key: PRNGKeyArray, count: int) -> Shaped[Array, "m *row"]:
    """All rows, or where there are more than `count`, so many of them drawn with replacement."""
    if len(rows) <= count:
        return rows
    return rows[jax.random.randint(key, (count,), 0, len(rows))]
