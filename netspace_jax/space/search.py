"""Search of embeddings whose networks do well, the decoder frozen; and the same on weights, to compare with.

Written for one embedding, vmapped, and spread over devices (docs/method.md, Latent search).
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.config import SearchConfig
from netspace_jax.latent import Found, Ground, Objective, Region, climb
from netspace_jax.ops.devices import local_mesh, over_networks, padded, put_everywhere
from netspace_jax.ops.mapping import in_pieces
from netspace_jax.ops.platform import lowering_of
from netspace_jax.space.netspace import NetSpace


def search(
    netspace: NetSpace,
    region: Region,
    objective: Objective,
    initial: Float[Array, "start embedding"],
    *,
    architecture_id: int,
    config: SearchConfig = SearchConfig(),
    mesh: Mesh | None = None,
) -> Found:
    """Search from many embeddings at once for networks of one architecture that do well by an objective.

    With several architectures the head's cross-entropy to the one asked for is part of the loss, so that what is found
    is also read as that.

    Args:
      region: where embeddings of real networks lie.
      mesh: devices to spread the searches over; by default all of this process.
    """
    mesh = mesh or local_mesh(len(initial))
    rows = np.resize(np.arange(len(initial)), padded(len(initial), mesh))
    shared = put_everywhere((netspace, region, objective), mesh)
    with lowering_of(mesh), jax.default_matmul_precision("float32"):
        found = _search(*shared, jax.device_put(initial[rows], over_networks(mesh)), architecture_id, config)
    return jax.device_put(jax.tree.map(lambda leaf: leaf[: len(initial)], found), jax.local_devices()[0])


@functools.partial(jax.jit, static_argnames=("architecture_id", "config"))
def _search(netspace, region, objective, initial, architecture_id, config) -> Found:
    several = len(netspace.architectures) > 1

    def network_of(z):
        return _running(netspace.architectures[architecture_id], netspace.generate(z, architecture_id))

    def penalty(z):
        if not several:
            return jnp.zeros(())
        return optax.softmax_cross_entropy_with_integer_labels(netspace.classify(z), architecture_id)

    def allowed(z):
        return netspace.classify(z).argmax() == architecture_id if several else jnp.ones((), bool)

    return climb(Ground(network_of, penalty, allowed), region, objective, initial, config)


@functools.partial(jax.jit, static_argnames=("architecture", "config"))
def fine_tune(
    architecture: Architecture, objective: Objective, flats: Float[Array, "network size"], config: SearchConfig
) -> Found:
    """The same by the weights themselves: what a search in the space is to be compared with, at equal steps.

    The learning rate is in units of the weights, and nothing keeps them near where they were.
    """
    size = flats.shape[1]
    plain = Region(jnp.zeros(size), jnp.ones(size))
    ground = Ground(functools.partial(_running, architecture))
    return climb(ground, plain, objective, flats, dataclasses.replace(config, trust=0.0))


def _running(architecture: Architecture, flat: Float[Array, "size"]):
    return lambda inputs: in_pieces(lambda x: architecture.apply(flat, x), inputs)
