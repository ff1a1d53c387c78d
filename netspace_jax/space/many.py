"""What a space says of many networks or embeddings of one architecture, in blocks of one size, as NumPy arrays."""

import functools
import math

import jax
import numpy as np
from jaxtyping import Float, Int

from netspace_jax.ops.mapping import Rows, few_together, in_blocks
from netspace_jax.space.netspace import NetSpace


@functools.partial(jax.jit, static_argnames="architecture_id")
def _embed(_, flats, netspace, architecture_id):
    return jax.vmap(lambda flat: netspace.embed(flat, architecture_id, few_together))(flats)


@functools.partial(jax.jit, static_argnames="architecture_id")
def _generate(_, z, netspace, architecture_id):
    return jax.vmap(lambda z: netspace.generate(z, architecture_id))(z)


@jax.jit
def _classify(_, z, netspace):
    return jax.vmap(lambda z: netspace.classify(z).argmax())(z)


def embed_many(
    netspace: NetSpace, architecture_id: int, flats: Float[Rows, "network size"]
) -> Float[np.ndarray, "network embedding"]:
    """Embeddings of networks of one architecture."""
    return in_blocks(_embed, flats, netspace, architecture_id)


def generate_many(
    netspace: NetSpace, architecture_id: int, z: Float[Rows, "network embedding"]
) -> Float[np.ndarray, "network size"]:
    """Flat parameters of the networks of one architecture that embeddings stand for."""
    return in_blocks(_generate, z, netspace, architecture_id, each=4 * math.prod(netspace.prep))


def classify_many(netspace: NetSpace, z: Float[Rows, "network embedding"]) -> Int[np.ndarray, "network"]:
    """Ids of the architectures that the head reads in embeddings."""
    return in_blocks(_classify, z, netspace)
