"""One network for all training tasks together."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.dataset import Dataset, evaluation_key
from netspace_jax.metrics.adaptation.config import AdaptationConfig
from netspace_jax.metrics.adaptation.examples import AllTasks
from netspace_jax.metrics.adaptation.parallel import spread
from netspace_jax.population.network import Untrained, supervised


def fit_pooled(
    key: PRNGKeyArray,
    architecture: Architecture,
    dataset: Dataset,
    members: Int[np.ndarray, "task"],
    validation: Int[np.ndarray, "validation"],
    config: AdaptationConfig,
) -> Float[np.ndarray, "size"]:
    """A network trained on the tasks of many members together, at the rate that is best on validation tasks.

    Args:
      validation: those whose tasks choose the rate, by their inputs that no member trained on.
    """
    rates = np.array(config.pooled_rates, np.float32)
    rows = (jax.random.split(key, len(rates)), rates)
    spent = np.int32(config.pooled_steps), np.float32(config.final)
    data = AllTasks(dataset, jnp.asarray(members))
    flats = _program(config.pooled_batch)(rows, architecture, data, spent)
    scores = _scores(flats, architecture, dataset, jnp.asarray(validation))
    return flats[np.nan_to_num(scores, nan=-np.inf).argmax()]


@functools.cache
def _program(batch: int) -> Callable[..., Any]:
    return spread(functools.partial(_train, batch=batch), 3)


def _train(
    row: tuple[PRNGKeyArray, Float[Array, ""]],
    architecture: Architecture,
    data: AllTasks,
    spent: tuple[Int[Array, ""], Float[Array, ""]],
    *,
    batch: int,
) -> Float[Array, "size"]:
    """Parameters of ONE network after its training with Adam, its rate falling along a cosine."""
    (key, rate), (steps, final) = row, spent
    init_key, key = jax.random.split(key)
    training = supervised(architecture, falling_adam(rate, final, steps), batch=batch)
    state = training.start(Untrained(key, init_key, jnp.int32(0), steps), data)
    state = training.advance(state, data, jnp.int32(0), steps)
    return architecture.finish(state.variables)


def falling_adam(
    rate: Float[Array, ""], final: Float[Array, ""], steps: Int[Array, ""]
) -> optax.GradientTransformation:
    """Adam whose rate falls along a cosine to the share `final`; all of it may be traced."""

    def rate_at(step: Any) -> Any:
        share = step.astype(jnp.float32) / steps.astype(jnp.float32)
        return rate * (final + (1 - final) * 0.5 * (1 + jnp.cos(jnp.pi * share)))

    return optax.adam(rate_at)


def _score(
    flat: Float[Array, "size"],
    architecture: Architecture,
    dataset: Dataset,
    members: Int[Array, "task"],
) -> Float[Array, ""]:
    """Mean score of ONE network over tasks."""

    def one(member):
        return dataset.of(member).score(architecture.bind(flat), evaluation_key(member), "validation")

    return jax.lax.map(one, members).mean()


_scores = spread(_score, 3)
