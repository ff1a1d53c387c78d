"""From a user's networks, in any form, to the groups that a space is trained on and chosen by."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import flatten
from netspace_jax.errors import InputError
from netspace_jax.exchange import load_network
from netspace_jax.space.loss import Group

HELD_OUT = 8
"""Every so many-th network chooses the checkpoint, where nobody says which do."""


def groups_of(
    architectures: Sequence[Architecture], networks: Mapping[str, Any], validation: Mapping[str, Any] | None
) -> tuple[dict[int, Group], dict[int, Group]]:
    """Networks that train, and networks that choose the checkpoint, by architecture id."""
    if not networks:
        raise InputError("there are no networks to learn a space of: give them by the name of their architecture")
    training, held = {}, {}
    for architecture_id, architecture in enumerate(architectures):
        flats = as_flats(networks[architecture.name], architecture)
        indices = np.arange(len(flats), dtype=np.int32)
        if validation is not None:
            held_flats = as_flats(validation[architecture.name], architecture)
            held_indices = np.arange(len(held_flats), dtype=np.int32)
        else:
            out = indices % HELD_OUT == HELD_OUT - 1
            held_flats, held_indices = flats[out], indices[out]
            flats, indices = flats[~out], indices[~out]
        if len(flats) < 2 or not len(held_flats):
            raise InputError(
                f"{len(flats)} {architecture.name}s are left to train a space on and {len(held_flats)} to choose by: "
                f"give at least {HELD_OUT} networks, or validation="
            )
        training[architecture_id] = Group(jnp.asarray(flats), jnp.asarray(indices))
        held[architecture_id] = Group(jnp.asarray(held_flats), jnp.asarray(held_indices))
    return training, held


def as_flats(networks: Any, architecture: Architecture) -> Float[np.ndarray, "network size"]:
    """Networks of one architecture as their flat parameters.

    Raises:
      InputError: they do not fit the architecture, or are not finite.
    """
    if isinstance(networks, Mapping):
        tree = networks.get("params", networks)
        try:
            flats = np.asarray(jax.vmap(lambda params: flatten(architecture.spec, params))(tree))
        except ValueError as error:
            raise InputError(f"stacked parameters do not fit {architecture.name}: {error}") from error
    elif isinstance(networks, list | tuple):
        flats = np.stack([load_network(network, architecture) for network in networks])
    else:
        flats = np.asarray(networks, np.float32)
    if flats.ndim != 2 or flats.shape[1] != architecture.size:
        raise InputError(
            f"networks of shape {flats.shape}: {architecture.name} takes flat parameters (network, {architecture.size})"
        )
    if not (finite := np.isfinite(flats).all(1)).all():
        raise InputError(f"network {int(np.argmin(finite))} is not finite: leave it out")
    return flats
