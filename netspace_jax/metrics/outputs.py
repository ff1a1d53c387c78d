"""Outputs and scores of many networks of one architecture, in blocks, compiled once for any number of them.

`evaluate` runs networks once; whatever compares them with others takes what it gave.

Everywhere, `members` are the indices of the zoo's members on whose data the networks run. They are left out where all
networks see the same data.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour, Dataset, Split, Supervised, evaluation_key
from netspace_jax.ops.mapping import Rows, each_row, in_blocks, in_pieces, of_first

Members = Int[Rows, "network"] | None


class Evaluated(NamedTuple):
    """Networks that were run on the inputs of a split: their outputs there, and the score of each."""

    outputs: Float[np.ndarray, "network n *output"]
    score: Float[np.ndarray, "network"]


def _numbered(members: Members, count: int) -> Int[np.ndarray, "network"]:
    return np.zeros(count, np.int32) if members is None else np.asarray(members, np.int32)


def _run(architecture: Architecture, flat, inputs):
    return in_pieces(lambda x: architecture.apply(flat, x), inputs)


@functools.partial(jax.jit, static_argnames="split")
def _outputs(count, rows, architecture, dataset, split):
    return of_first(count, lambda row: _run(architecture, row[0], dataset.of(row[1]).examples(split).inputs), rows)


@jax.jit
def _outputs_on(count, flats, architecture, inputs):
    return of_first(count, lambda flat: _run(architecture, flat, inputs), flats)


@functools.partial(jax.jit, static_argnames="split")
def _scores(count, rows, outputs, architecture, dataset, split):
    """Scores of networks; from their outputs, where a score is made of these."""

    def from_outputs(row):
        return dataset.behaviour.score(row[0], dataset.of(row[1]).examples(split).targets)

    def from_network(row):
        return dataset.of(row[1]).score(architecture.bind(row[0]), evaluation_key(row[1]), split)

    if isinstance(dataset.behaviour, Supervised):
        return each_row(from_outputs, (outputs, rows[1]))
    return of_first(count, from_network, rows)


@functools.partial(jax.jit, static_argnames="behaviour")
def _scores_on(_, outputs, targets, behaviour):
    return jax.vmap(behaviour.score, (0, None))(outputs, targets)


@functools.partial(jax.jit, static_argnames="behaviour")
def _agreements(_, pair, behaviour):
    return jax.vmap(behaviour.agreement)(*pair)


@functools.partial(jax.jit, static_argnames="behaviour")
def _agreement_with_each(count, outputs, others, behaviour):
    return of_first(count, lambda one: jax.vmap(lambda other: behaviour.agreement(other, one))(others), outputs)


def evaluate(
    dataset: Dataset,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    members: Members = None,
    split: Split = "test",
) -> Evaluated:
    """Outputs of each network on the inputs of a split, and its score."""
    return Evaluated(*in_blocks(_evaluated, (flats, _numbered(members, len(flats))), architecture, dataset, split))


def _evaluated(count, rows, architecture, dataset, split):
    outputs = _outputs(count, rows, architecture, dataset, split)
    return outputs, _scores(count, rows, outputs, architecture, dataset, split)


def outputs_of(
    dataset: Dataset,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    members: Members = None,
    split: Split = "test",
) -> Float[np.ndarray, "network n outputs"]:
    """Outputs of each network on the inputs of a split."""
    return in_blocks(_outputs, (flats, _numbered(members, len(flats))), architecture, dataset, split)


def outputs_on(
    architecture: Architecture, flats: Float[Rows, "network size"], inputs: Float[Rows, "n *input"]
) -> Float[np.ndarray, "network n outputs"]:
    """Outputs of each network on the same inputs."""
    return in_blocks(_outputs_on, flats, architecture, inputs)


def scores_on(
    behaviour: Behaviour, outputs: Float[Rows, "network n outputs"], targets: Shaped[Array, "n *target"]
) -> Float[np.ndarray, "network"]:
    """Score of each network from its outputs on inputs whose targets are given."""
    return in_blocks(_scores_on, outputs, targets, behaviour)


def scores_of(
    dataset: Dataset,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    members: Members = None,
    split: Split = "test",
) -> Float[np.ndarray, "network"]:
    """Scores of networks given as their flat parameters."""
    return in_blocks(_scored, (flats, _numbered(members, len(flats))), architecture, dataset, split)


def _scored(count, rows, architecture, dataset, split):
    return _evaluated(count, rows, architecture, dataset, split)[1]


def agreements(
    behaviour: Behaviour,
    target_outputs: Float[Rows, "network n *output"],
    outputs: Float[Rows, "network n *output"],
) -> Float[np.ndarray, "network"]:
    """Agreement of each network with its target, from their outputs on the same inputs (docs/method.md, eq. 27)."""
    return in_blocks(_agreements, (target_outputs, outputs), behaviour)


def agreement_with_each(
    behaviour: Behaviour, outputs: Float[Rows, "network n *output"], others: Float[Rows, "other n *output"]
) -> Float[np.ndarray, "network other"]:
    """Agreement of each network with each of some others, from their outputs on the same inputs."""
    return in_blocks(_agreement_with_each, outputs, jnp.asarray(others), behaviour)
