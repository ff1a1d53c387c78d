"""How well a number of examples finds a network, by networks that did not train the space."""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.dataset import Dataset
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import batched
from netspace_jax.space.adaptation import Calibration, left_out_loss
from netspace_jax.space.loss import Group
from netspace_jax.space.modules import TaskEncoder
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs, first_count, reading_of

COUNTS = (1, 2, 3, 5, 10, 20, 50, 100)
"""Numbers of examples for which a space is calibrated, as far as its data has so many."""

QUANTILE = 0.95
"""Share of these networks whose own answers have no higher loss than is to be expected."""

INPUTS = 512
"""Inputs of a network's own, at most, on which it answers."""


def calibrate(netspace: NetSpace, dataset: Dataset, groups: Mapping[int, Group]) -> Calibration | None:
    """The calibration of a trained space; None where its encoder reads no tasks, or no networks are given.

    Each network answers inputs that it did not train on, and is found again from some of these answers, in the form
    that true targets have. No true target is looked at.
    """
    if not groups or not isinstance(netspace.encoder, TaskEncoder):
        return None
    available = len(dataset.of(0).examples("validation").inputs)
    counts = np.array([count for count in COUNTS if count <= available], np.float32)
    squares, losses = [], []
    for architecture_id, group in groups.items():
        rows = group.parameters, group.indices
        square, loss = _errors(rows, netspace.netspace, dataset, counts, architecture_id=architecture_id)
        squares.append(square)
        losses.append(loss)
    deviation = jnp.sqrt(jnp.concatenate(squares).mean(0))
    widest = jnp.maximum(deviation.max(), 1e-8)
    return Calibration(
        jnp.asarray(counts),
        jnp.maximum(deviation, 1e-3 * widest),
        jnp.quantile(jnp.concatenate(losses), QUANTILE, axis=0),
    )


@functools.partial(batched, static=("architecture_id",))
def _errors(row, netspace, dataset, counts, architecture_id):
    """By number of examples: square of the embedding's distance from that of all answers; mean loss of one left out."""
    (flat, member), behaviour = row, netspace.behaviour
    inputs = dataset.of(member).examples("validation").inputs[:INPUTS]
    inputs = inputs[jax.random.permutation(key_of(0, Purpose.EXAMPLES, member), len(inputs))]
    outputs = netspace.architectures[architecture_id].apply(flat, inputs)
    whole = netspace.embed(flat, architecture_id, reading=reading_of(inputs))
    given = min(len(inputs), COUNTS[-1])
    answers = behaviour.decided(behaviour.answers(outputs[:given]))

    def of_count(count):
        pairs = Pairs(inputs[:given], answers, first_count(count, given))
        z = netspace.embed_task(pairs)
        return jnp.square(z - whole), left_out_loss(netspace, pairs, architecture_id)

    return jax.lax.map(of_count, counts)
