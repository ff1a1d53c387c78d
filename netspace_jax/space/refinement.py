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
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from netspace_jax.config import RefineConfig
from netspace_jax.errors import InputError
from netspace_jax.latent import Schedule, drawn_rows, minimise, statistics_around
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import BLOCK, Rows, batched, in_pieces
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
    inputs: Shaped[Rows, "n *input"] | Shaped[Rows, "network n *input"],
    held_out: Shaped[Rows, "m *input"] | Shaped[Rows, "network m *input"] | None = None,
    config: RefineConfig,
) -> Float[Array, "network embedding"]:
    """Embeddings whose decoded networks imitate given ones, from where an encoder put them.

    Args:
      inputs: what a network and its imitation are compared on: the same for all networks, or some of each one's own.
      held_out: inputs that no step sees, shared or each network's own as `inputs` are. Of the straight way from an
        embedding to where the steps lead, the point is taken that imitates best on them (after Wortsman et al. 2022,
        arXiv 2109.01903). Without them, all of the way is taken where its end is the better one on `inputs`, or none.
    """
    given = (inputs,) if held_out is None else (inputs, held_out)
    own = inputs.ndim > 1 + len(netspace.behaviour.input_shape)
    rows = (flats, z, given if own else ())
    key, schedule = key_of(config.seed, Purpose.BATCHES), Schedule.of(config, final=0.02)
    shared = (key, netspace.netspace, () if own else given, schedule)
    # What takes hundreds of steps is not filled up to a block: few networks are worth a compilation.
    size = min(len(flats), BLOCK)
    return _refine(rows, *shared, architecture_id=architecture_id, batch=config.batch, size=size)


@functools.partial(batched, static=("architecture_id", "batch"))
def _refine(row, key, netspace, shared_inputs, schedule, architecture_id, batch):
    flat, z, own_inputs = row
    inputs = (*shared_inputs, *own_inputs)
    return refine_one(key, netspace, flat, z, *inputs, architecture_id=architecture_id, schedule=schedule, batch=batch)


def refine_one(
    key: PRNGKeyArray,
    netspace: NetSpace,
    flat: Float[Array, "size"],
    z: Float[Array, "embedding"],
    inputs: Shaped[Array, "n *input"],
    held_out: Shaped[Array, "m *input"] | None = None,
    *,
    architecture_id: int,
    schedule: Schedule,
    batch: int = 256,
) -> Float[Array, "embedding"]:
    """One embedding refined, as `refine` does: a pure function to be jitted and vmapped.

    Args:
      key: what a step draws depends on it and on the step alone: refinements that are vmapped share the draws.
      schedule: rates, trust and the number of steps; they may be traced.
    """
    architecture = netspace.architectures[architecture_id]

    def loss_on(point, inputs):
        # In pieces, since in the end the loss is asked for on many inputs.
        outputs, target_outputs = (
            in_pieces(lambda x, flat=flat: architecture.apply(flat, x), inputs, max(batch, 512))
            for flat in (netspace.generate(point, architecture_id), flat)
        )
        return netspace.behaviour.imitation_loss(target_outputs, outputs)

    def loss(point, key, step):
        return loss_on(point, drawn_rows(inputs, jax.random.fold_in(key, step), batch))

    around = statistics_around(z)
    end = minimise(loss, z, key, schedule, prior=around, optimizer=optax.scale_by_adam(b2=0.98)).last
    # Where nothing is left to gain, Adam's steps are noise: an embedding is never left for a worse one.
    judged = drawn_rows(inputs if held_out is None else held_out, jax.random.fold_in(key, _JUDGED), _JUDGED)
    shares = jnp.linspace(1, 0, 2 if held_out is None else _WAY)

    def at(share):
        return jnp.where(share > 0, z + share * (end - z), z)  # steps that diverged have no number as their end

    def judged_loss(share):
        trust = schedule.trust * jnp.square(around.standardise(at(share))).mean()
        return loss_on(at(share), judged) + trust

    return at(shares[jnp.nanargmin(jax.lax.map(judged_loss, shares))])
