"""A search in the page: one step of a descent, as a program there."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from netspace_jax.config import SearchConfig
from netspace_jax.explorer.view import View
from netspace_jax.latent import EmbeddingStatistics, Schedule, descent_step
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.space.netspace import NetSpace


def search_step(
    space: NetSpace, statistics: EmbeddingStatistics, architecture_id: int, view: View
) -> Callable[..., tuple[jax.Array, ...]]:
    """One step of a search on fixed inputs: standardised embedding, Adam's two means and its count, to the same.

    What is aimed at is given last; the loss comes last. The rate stays what a search begins with.
    """
    config, architecture = SearchConfig(), space.architectures[architecture_id]
    schedule = Schedule(1, config.learning_rate, config.trust, final=1.0)
    inputs, loss_of_outputs = jnp.asarray(view.loss_inputs), view.loss
    assert loss_of_outputs is not None

    def step(u, first, second, count, aim):
        def loss(z, key, count):
            del key, count
            value = loss_of_outputs(aim, architecture.apply(space.generate(z, architecture_id), inputs))
            if len(space.architectures) > 1:
                value -= jax.nn.log_softmax(space.classify(z))[architecture_id]
            return value

        one_step = descent_step(loss, key_of(config.seed, Purpose.BATCHES), schedule, prior=statistics)
        state: Any = optax.ScaleByAdamState(count, first, second)
        u, state, value = one_step(count, (u, state, jnp.zeros(())))
        return u, state.mu, state.nu, state.count, value

    return step
