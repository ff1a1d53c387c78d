"""Refinement: the decoder inverted by gradient. Steps on an embedding until its network imitates the one it stands for.

No labels: the network's own outputs are what is wanted (docs/method.md, eq. 23).
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from netspace_jax.config import RefineConfig
from netspace_jax.errors import InputError
from netspace_jax.ops.descent import descend, some_of
from netspace_jax.ops.mapping import Rows, in_own_blocks, in_pieces
from netspace_jax.rules import faults
from netspace_jax.space.netspace import NetSpace

_JUDGED = 4096
"""Inputs, at most, on which an embedding is compared with the one that it began as."""

_WAY = 9
"""Points of the way, with both its ends, that are compared on held-out inputs."""


def refine_config(config: RefineConfig, steps: Any) -> RefineConfig:
    """How to refine by so many steps.

    Raises:
      InputError: a value is against the rule of its field in `RefineConfig`.
    """
    config = dataclasses.replace(config, steps=int(steps) if isinstance(steps, np.integer) else steps)
    for name, fault in faults(config):
        raise InputError(f"{'refine_steps' if name == 'steps' else name} {fault}, not {getattr(config, name)!r}")
    return config


def refine(
    netspace: NetSpace,
    architecture_id: int,
    flats: Float[Rows, "network size"],
    z: Float[Rows, "network embedding"],
    *,
    inputs: Float[Rows, "n *input"] | Float[Rows, "network n *input"],
    held_out: Float[Rows, "m *input"] | Float[Rows, "network m *input"] | None = None,
    config: RefineConfig,
) -> Float[np.ndarray, "network embedding"]:
    """Embeddings whose decoded networks imitate given ones, from where an encoder put them.

    Args:
      flats: the networks, all of one architecture.
      z: their embeddings to begin at.
      inputs: what a network and its imitation are compared on: the same for all networks, or some of each one's own.
      held_out: inputs that no step sees, shared or each network's own as `inputs` are. Of the straight way from an
        embedding to where the steps lead, the point is taken that imitates best on them (after Wortsman et al. 2022,
        arXiv 2109.01903). Without them, all of the way is taken where its end is the better one on `inputs`, or none.
    """
    given = (inputs,) if held_out is None else (inputs, held_out)
    own = inputs.ndim > 1 + len(netspace.behaviour.input_shape)
    rows = (np.asarray(flats), np.asarray(z), given if own else ())
    return in_own_blocks(_refine, rows, netspace, () if own else given, architecture_id, config)


@functools.partial(jax.jit, static_argnames=("architecture_id", "config"))
def _refine(_, rows, netspace, shared, architecture_id, config):
    def one(flat, start, own):
        return _refined(netspace, architecture_id, config, flat, start, *shared, *own)

    return jax.vmap(one)(*rows)


def _refined(
    netspace: NetSpace,
    architecture_id: int,
    config: RefineConfig,
    flat: Any,
    start: Any,
    inputs: Any,
    held_out: Any = None,
) -> Float[Array, "embedding"]:
    """One embedding refined."""
    architecture = netspace.architectures[architecture_id]
    optimizer = optax.adam(optax.cosine_decay_schedule(config.learning_rate, config.steps, 0.02), b2=0.98)
    unit = jnp.std(start)

    def loss(u, batch):
        generated = netspace.generate(start + unit * u, architecture_id)
        # In pieces, since in the end the loss is asked for on many inputs.
        wanted, outputs = (
            in_pieces(lambda x, own=own: architecture.apply(own, x), batch, max(config.batch, 512))
            for own in (flat, generated)
        )
        return netspace.behaviour.imitation_loss(wanted, outputs) + config.trust * jnp.square(u).mean()

    u = jnp.zeros_like(start)
    end = descend(loss, u, inputs, optimizer, steps=config.steps, batch=config.batch, seed=config.seed)
    # Where nothing is left to gain, Adam's steps are noise: an embedding is never left for a worse one.
    judged = some_of(inputs if held_out is None else held_out, _JUDGED, config.seed)
    way = jnp.linspace(1, 0, 2 if held_out is None else _WAY)

    def at(part):
        return jnp.where(part > 0, part * end, u)  # not 0 * end, which is no number where the steps diverged

    losses = jax.lax.map(lambda part: loss(at(part), judged), way)
    return start + unit * at(way[jnp.nanargmin(losses)])
