"""Search for embeddings by gradient, the decoder frozen; and the same on weights, to compare with.

Written for one embedding, vmapped, and spread over devices (docs/method.md, Latent search).
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.config import SearchConfig
from netspace_jax.latent import EmbeddingStatistics, Minimum, Objective, Schedule, minimise
from netspace_jax.ops.devices import local_mesh, over_networks, padded, put_everywhere
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import in_pieces
from netspace_jax.ops.platform import lowering_of
from netspace_jax.space.netspace import NetSpace


def search(
    netspace: NetSpace,
    statistics: EmbeddingStatistics,
    objective: Objective,
    initial: Float[Array, "start embedding"],
    *,
    architecture_id: int,
    config: SearchConfig = SearchConfig(),
    mesh: Mesh | None = None,
) -> Minimum:
    """Search from many embeddings at once for networks of one architecture that do well by an objective.

    With several architectures the head's cross-entropy to the one asked for is part of the loss, and an embedding that
    the head reads as another is no result. Other steps, rates, trust and seeds compile nothing anew.

    Args:
      mesh: devices to spread the searches over; by default all of this process.
    """
    mesh = mesh or local_mesh(len(initial))
    rows = np.resize(np.arange(len(initial)), padded(len(initial), mesh))
    key, schedule = key_of(config.seed, Purpose.BATCHES), Schedule.of(config)
    shared = put_everywhere((key, netspace.netspace, objective, statistics, schedule), mesh)
    with lowering_of(mesh), jax.default_matmul_precision("float32"):
        starts = jax.device_put(initial[rows], over_networks(mesh))
        minima = _search(starts, *shared, architecture_id=architecture_id, checks=config.validations)
    return jax.device_put(jax.tree.map(lambda leaf: leaf[: len(initial)], minima), jax.local_devices()[0])


@functools.partial(jax.jit, static_argnames=("architecture_id", "checks"))
def _search(starts, key, netspace, objective, statistics, schedule, *, architecture_id, checks) -> Minimum:
    def from_one(z):
        return search_one(
            key, netspace, objective, z, architecture_id=architecture_id, statistics=statistics, schedule=schedule,
            checks=checks,
        )  # fmt: skip

    return jax.vmap(from_one)(starts)


def search_one(
    key: PRNGKeyArray,
    netspace: NetSpace,
    objective: Objective,
    z: Float[Array, "embedding"],
    *,
    architecture_id: int,
    statistics: EmbeddingStatistics,
    schedule: Schedule,
    checks: int = 20,
) -> Minimum:
    """A search from one embedding, as `search` does: a pure function to be jitted and vmapped.

    Args:
      schedule: rates, trust and the number of steps; they may be traced.
      checks: how often the best is looked for.
    """
    architecture, several = netspace.architectures[architecture_id], len(netspace.architectures) > 1

    def loss(z, key, step):
        value = objective.loss(_running(architecture, netspace.generate(z, architecture_id)), key, step)
        if several:
            value += optax.softmax_cross_entropy_with_integer_labels(netspace.classify(z), architecture_id)
        return value

    def score(z):
        value = objective.score(_running(architecture, netspace.generate(z, architecture_id)))
        return jnp.where(netspace.classify(z).argmax() == architecture_id, value, -jnp.inf) if several else value

    return minimise(loss, z, key, schedule, prior=statistics, score=score, checks=checks)


def fine_tune(
    architecture: Architecture, objective: Objective, flats: Float[Array, "network size"], config: SearchConfig
) -> Minimum:
    """The same by the weights themselves: what a search in the space is to be compared with, at equal steps.

    The learning rate is in units of the weights, and nothing keeps them near where they were.
    """
    schedule = Schedule.of(dataclasses.replace(config, trust=0.0))
    key = key_of(config.seed, Purpose.BATCHES)
    return _fine_tune(objective, key, schedule, flats, architecture=architecture, checks=config.validations)


@functools.partial(jax.jit, static_argnames=("architecture", "checks"))
def _fine_tune(objective, key, schedule, flats, *, architecture, checks) -> Minimum:
    def loss(flat, key, step):
        return objective.loss(_running(architecture, flat), key, step)

    def score(flat):
        return objective.score(_running(architecture, flat))

    return jax.vmap(lambda flat: minimise(loss, flat, key, schedule, score=score, checks=checks))(flats)


def _running(architecture: Architecture, flat: Float[Array, "size"]):
    return lambda inputs: in_pieces(lambda x: architecture.apply(flat, x), inputs)
