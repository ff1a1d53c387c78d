"""Networks that pass through samples of fields: the most probable of a space, or of training on them alone."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.domains.fields.behaviour import Field
from netspace_jax.latent import EmbeddingStatistics, Schedule, drawn_rows, minimise
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import batched
from netspace_jax.space import Space

STEPS, RATE = 400, 0.05
NETWORK_STEPS, NETWORK_RATE = 500, 2e-3  # of a network that is trained on samples alone
FINAL = 0.02  # share of a rate that is left at the end
BATCH = 128  # samples of one step


def fit_embeddings(
    space: Space,
    prior: EmbeddingStatistics,
    rows: Float[np.ndarray, "field n d_and_c"],
    starts: Float[np.ndarray, "field start embedding"],
    trust: float,
) -> Float[np.ndarray, "field embedding"]:
    """For each field the embedding, of several descents, that is likely and whose network passes through samples of it.

    Args:
      prior: by principal axes, along which embeddings move.
      trust: weight of the mean square of standardised coordinates against the mean squared error: the variance of an
        error times axes over samples makes what is found the most probable embedding.
    """
    schedule = Schedule(np.int32(STEPS), np.float32(RATE), np.float32(trust), np.float32(FINAL))
    return np.asarray(_embedding((rows, starts), space, prior, schedule))


@batched
def _embedding(field, space, prior, schedule):
    rows, starts = field

    def error(coordinates, rows):
        return _error(space.architectures[0], space.behaviour, space.generate(prior.lift(coordinates), 0), rows)

    def fit(start):
        return minimise(
            lambda point, key, step: error(point, drawn_rows(rows, jax.random.fold_in(key, step), BATCH)),
            prior.project(start),
            key_of(0, Purpose.BATCHES),
            schedule,
            score=lambda point: -error(point, rows) - schedule.trust * jnp.square(point).mean(),
        )

    ends = jax.vmap(fit)(starts)
    return prior.lift(ends.last[ends.scores[:, -1].argmax()])


def fit_networks(
    architecture: Architecture, behaviour: Field, rows: Float[np.ndarray, "field n d_and_c"]
) -> Float[np.ndarray, "field size"]:
    """A network for each field that was trained on samples of it, without a space."""
    schedule = Schedule(np.int32(NETWORK_STEPS), np.float32(NETWORK_RATE), final=np.float32(FINAL))
    fields = (np.arange(len(rows), dtype=np.int32), rows)
    return np.asarray(_network(fields, architecture, schedule, behaviour=behaviour))


@functools.partial(batched, static=("behaviour",))
def _network(field, architecture, schedule, behaviour):
    number, rows = field

    def loss(flat, key, step):
        return _error(architecture, behaviour, flat, drawn_rows(rows, jax.random.fold_in(key, step), BATCH))

    start = architecture.finish(architecture.init(key_of(0, Purpose.INIT, number)))
    return minimise(loss, start, key_of(0, Purpose.BATCHES), schedule).last


def _error(architecture: Architecture, behaviour: Field, flat, rows):
    """Loss of ONE network at rows of coordinates and values."""
    coordinates = behaviour.input_shape[0]
    return behaviour.fit_loss(architecture.apply(flat, rows[:, :coordinates]), rows[:, coordinates:])
