"""What a space says of many networks or embeddings of one architecture, whatever their number, on the device."""

import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from netspace_jax.dataset import Dataset
from netspace_jax.ops.mapping import Rows, batched, vmap_small_batches
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import reading_of


def _embed(flat, netspace, inputs, architecture_id):
    reading = None if inputs is None else reading_of(inputs)
    return netspace.embed(flat, architecture_id, vmap_small_batches, reading)


def _embed_member(row, netspace, dataset, architecture_id):
    flat, member = row
    return _embed(flat, netspace, dataset.of(member).probes(netspace.encoder.inputs), architecture_id)


def _generate(z, netspace, architecture_id):
    return netspace.generate(z, architecture_id)


def _read(z, netspace):
    return netspace.classify(z).argmax()


_embed_all, _generate_all = (batched(one, static=("architecture_id",)) for one in (_embed, _generate))
_embed_members, _read_all = batched(_embed_member, static=("architecture_id",)), batched(_read)


def embed_many(
    netspace: NetSpace,
    architecture_id: int,
    flats: Float[Rows, "network size"],
    inputs: Shaped[Rows, "n *input"] | None = None,
) -> Float[Array, "network embedding"]:
    """Embeddings of networks of one architecture, read on the probes, or by a set encoder on inputs that are given."""
    return _embed_all(flats, netspace.netspace, inputs, architecture_id=architecture_id)


def embed_members(
    netspace: NetSpace,
    architecture_id: int,
    flats: Float[Rows, "network size"],
    dataset: Dataset,
    members: Int[Rows, "network"] | None = None,
) -> Float[Array, "network embedding"]:
    """Embeddings of members of a zoo, each read on inputs of its own task where there are no probes for all.

    Args:
      members: their indices in the zoo; they may be left out where all share one task.
    """
    if netspace.constants.probes is not None:
        return embed_many(netspace, architecture_id, flats)
    return _embed_members((flats, np.asarray(members)), netspace.netspace, dataset, architecture_id=architecture_id)


def generate_many(
    netspace: NetSpace, architecture_id: int, z: Float[Rows, "network embedding"]
) -> Float[Array, "network size"]:
    """Flat parameters of the networks of one architecture that embeddings stand for."""
    return _generate_all(z, netspace.netspace, architecture_id=architecture_id)


def classify_many(netspace: NetSpace, z: Float[Rows, "network embedding"]) -> Int[Array, "network"]:
    """Ids of the architectures that the head reads in embeddings."""
    return _read_all(z, netspace.netspace)
