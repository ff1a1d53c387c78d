"""What a space says of many networks or embeddings of one architecture, whatever their number, on the device."""

from jaxtyping import Array, Float, Int

from netspace_jax.ops.mapping import Rows, batched, vmap_small_batches
from netspace_jax.space.netspace import NetSpace


def _embed(flat, netspace, architecture_id):
    return netspace.embed(flat, architecture_id, vmap_small_batches)


def _generate(z, netspace, architecture_id):
    return netspace.generate(z, architecture_id)


def _read(z, netspace):
    return netspace.classify(z).argmax()


_embed_all, _generate_all = (batched(one, static=("architecture_id",)) for one in (_embed, _generate))
_read_all = batched(_read)


def embed_many(
    netspace: NetSpace, architecture_id: int, flats: Float[Rows, "network size"]
) -> Float[Array, "network embedding"]:
    """Embeddings of networks of one architecture."""
    return _embed_all(flats, netspace.netspace, architecture_id=architecture_id)


def generate_many(
    netspace: NetSpace, architecture_id: int, z: Float[Rows, "network embedding"]
) -> Float[Array, "network size"]:
    """Flat parameters of the networks of one architecture that embeddings stand for."""
    return _generate_all(z, netspace.netspace, architecture_id=architecture_id)


def classify_many(netspace: NetSpace, z: Float[Rows, "network embedding"]) -> Int[Array, "network"]:
    """Ids of the architectures that the head reads in embeddings."""
    return _read_all(z, netspace.netspace)
