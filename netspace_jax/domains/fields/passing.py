"""Networks that pass through samples of fields: the most probable of a space, or of training on them alone."""

import functools

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.ops.descent import descend
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import in_blocks
from netspace_jax.space import Space

STEPS, RATE = 400, 0.05
BATCH = 128  # samples of one step
KEPT = 0.999  # share of the variance of embeddings along the directions in which one is looked for
OWN_STEPS, OWN_RATE = 500, 2e-3  # of a network that is trained on samples alone


@flax.struct.dataclass
class Prior:
    """A Gaussian over embeddings: its mean, and directions each of which is as long as its standard deviation."""

    mean: Float[Array, "embedding"]
    directions: Float[Array, "direction embedding"]

    def restore(self, u: Float[Array, "direction"]) -> Float[Array, "embedding"]:
        """The embedding of standardised coordinates."""
        return self.mean + u @ self.directions

    def standardise(self, z: Float[Array, "embedding"]) -> Float[Array, "direction"]:
        """Coordinates of an embedding, less what lies across the directions."""
        return self.directions @ (z - self.mean) / jnp.square(self.directions).sum(1)


def prior_of(embeddings: Float[np.ndarray, "network embedding"]) -> Prior:
    """The Gaussian of some embeddings along their principal directions, which carry `KEPT` of their variance."""
    mean = embeddings.mean(0)
    _, sizes, axes = np.linalg.svd((embeddings - mean).astype(np.float64), full_matrices=False)
    share = np.cumsum(np.square(sizes)) / np.square(sizes).sum()
    count = int(np.searchsorted(share, KEPT)) + 1
    directions = sizes[:count, None] / np.sqrt(len(embeddings)) * axes[:count]
    return Prior(jnp.asarray(mean), jnp.asarray(directions, jnp.float32))


def fit_embeddings(
    space: Space,
    prior: Prior,
    rows: Float[np.ndarray, "field n d_and_c"],
    starts: Float[np.ndarray, "field start embedding"],
    channels: int,
    trust: float,
) -> Float[np.ndarray, "field embedding"]:
    """For each field the embedding, of several descents, that is likely and whose network passes through samples of it.

    Args:
      rows: samples of each field: d coordinates and c values.
      starts: embeddings at which descents begin.
      trust: weight of the mean square of standardised coordinates against the mean squared error: the variance of an
        error times directions over samples makes what is found the most probable embedding.
    """
    return in_blocks(_fit, (rows, starts), space, prior, np.float32(trust), channels)


@functools.partial(jax.jit, static_argnames="channels")
def _fit(_, own_rows, space, prior, trust, channels):
    rows, starts = own_rows
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, STEPS, 0.02))

    def one(own, start):
        def loss(u, own):
            outputs = space.architectures[0].apply(space.generate(prior.restore(u), 0), own[:, :-channels])
            return jnp.square(outputs - own[:, -channels:]).mean() + trust * jnp.square(u).mean()

        end = descend(loss, prior.standardise(start), own, optimizer, steps=STEPS, batch=BATCH, seed=0)
        return prior.restore(end), loss(end, own)

    z, losses = jax.vmap(lambda own, several: jax.vmap(lambda start: one(own, start))(several))(rows, starts)
    return z[jnp.arange(len(z)), losses.argmin(1)]


def fit_networks(
    architecture: Architecture, rows: Float[np.ndarray, "field n d_and_c"], channels: int
) -> Float[np.ndarray, "field size"]:
    """A network for each field that was trained on samples of it, without a space."""
    return in_blocks(_fit_own, (np.arange(len(rows), dtype=np.int32), rows), architecture, channels)


@functools.partial(jax.jit, static_argnames=("architecture", "channels"))
def _fit_own(_, own_rows, architecture, channels):
    numbers, rows = own_rows
    optimizer = optax.adam(optax.cosine_decay_schedule(OWN_RATE, OWN_STEPS, 0.02))

    def one(number, own):
        flat = architecture.finish(architecture.init(key_of(0, Purpose.INIT, number)))

        def loss(flat, own):
            return jnp.square(architecture.apply(flat, own[:, :-channels]) - own[:, -channels:]).mean()

        return descend(loss, flat, own, optimizer, steps=OWN_STEPS, batch=BATCH, seed=0)

    return jax.vmap(one)(numbers, rows)
