"""From networks in any form that a user has them in to their embeddings."""

from typing import Any

import numpy as np
from jaxtyping import Array, Float, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import prepared
from netspace_jax.errors import InputError
from netspace_jax.exchange import load_network
from netspace_jax.space import batched
from netspace_jax.space.modules import TaskEncoder
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.network import Network


def is_single(networks: Any) -> bool:
    """Whether one network is given, and not a list of them or an array of flat vectors."""
    return not isinstance(networks, list | tuple) and len(getattr(networks, "shape", ())) != 2


def flats_of(
    netspace: NetSpace, networks: Any, architecture: str | None
) -> tuple[int, Float[np.ndarray, "network size"]]:
    """Id of the architecture of given networks, one or many, and their flat parameters.

    Raises:
      InputError: there are none, they do not fit the architecture, or it is not in the space.
    """
    given = [networks] if is_single(networks) else list(networks)
    if not given:
        raise InputError("no networks were given: there is nothing to encode")
    if architecture is None and all(isinstance(network, Network) for network in given):
        architecture = given[0].architecture.name
    architecture_id = netspace.id_of(architecture)
    return architecture_id, np.stack([_flat_of(network, netspace.architectures[architecture_id]) for network in given])


def reading_inputs(netspace: NetSpace, inputs: Shaped[Any, "n *input"] | None) -> Shaped[Array, "n *input"]:
    """Inputs on which given networks are read: a user's, or else the probes.

    Raises:
      InputError: they are not what the networks take, or there are no probes.
    """
    if inputs is not None:
        return prepared(netspace.behaviour, inputs, "inputs")
    if netspace.constants.probes is None:
        raise InputError(
            "each network of this space has inputs of its own, on which others mean nothing: give some of this "
            "network's, unlabelled, as inputs="
        )
    return netspace.constants.probes


def finite_embeddings(
    netspace: NetSpace,
    architecture_id: int,
    flats: Float[np.ndarray, "network size"],
    inputs: Shaped[Array, "n *input"],
) -> Float[Array, "network embedding"]:
    """Embeddings of networks of one architecture; a set encoder reads them on the inputs.

    Raises:
      InputError: one is not finite.
    """
    z = batched.embed_many(
        netspace, architecture_id, flats, inputs if isinstance(netspace.encoder, TaskEncoder) else None
    )
    if not (finite := np.isfinite(z).all(-1)).all():
        raise InputError(f"network {int(np.argmin(finite))} has no finite embedding: its parameters are too large")
    return z


def _flat_of(network: Any, architecture: Architecture) -> Float[np.ndarray, "size"]:
    if isinstance(network, Network):
        if network.architecture.name != architecture.name:
            raise InputError(f"a {network.architecture.name} among networks that are encoded as {architecture.name}")
        return load_network(network.flat, architecture)
    return load_network(network, architecture)
