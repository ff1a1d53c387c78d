"""Outputs and scores of many networks of one architecture, compiled once for any number of them.

`evaluate` runs networks once; whatever compares them with others takes what it gave.

Everywhere, `members` are the indices of the zoo's members on whose data the networks run. They are left out where all
networks see the same data.
"""

import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour, Supervised
from netspace_jax.dataset import Dataset, Split, evaluation_key
from netspace_jax.ops.mapping import Rows, batched, in_pieces

MemberIndices = Int[Rows, "network"] | None


class Evaluated(NamedTuple):
    """Networks that were run on the inputs of a split: their outputs there, and the score of each."""

    outputs: Float[Rows, "network n *output"]
    score: Float[np.ndarray, "network"]


def _numbered(members: MemberIndices, count: int) -> Int[np.ndarray, "network"]:
    return np.zeros(count, np.int32) if members is None else np.asarray(members, np.int32)


def _run(architecture: Architecture, flat, inputs):
    return in_pieces(lambda x: architecture.apply(flat, x), inputs)


@functools.partial(batched, static=("split", "kept"), together=False)
def _evaluate(row, architecture, dataset, split, kept):
    """The fields of `Evaluated` that are kept; the score is made of the outputs where the behaviour is supervised."""
    flat, member = row
    data = dataset.of(member)
    outputs = _run(architecture, flat, data.examples(split).inputs)
    if isinstance(dataset.behaviour, Supervised):
        score = dataset.behaviour.score(outputs, data.examples(split).targets)
    else:
        score = data.score(architecture.bind(flat), evaluation_key(member), split)
    return {name: {"outputs": outputs, "score": score}[name] for name in kept}


@functools.partial(batched, together=False)
def _outputs_on(flat, architecture, inputs):
    return _run(architecture, flat, inputs)


@functools.partial(batched, static=("behaviour",))
def _score_on(outputs, targets, behaviour):
    return behaviour.score(outputs, targets)


@functools.partial(batched, static=("behaviour",))
def _agreement(pair, behaviour):
    return behaviour.agreement(*pair)


@functools.partial(batched, static=("behaviour",), together=False)
def _agreement_with_each(outputs, others, behaviour):
    return jax.vmap(lambda other: behaviour.agreement(other, outputs))(others)


def evaluate(
    dataset: Dataset,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    members: MemberIndices = None,
    split: Split = "test",
) -> Evaluated:
    """Outputs of each network on the inputs of a split, on the device, and its score."""
    rows, kept = (flats, _numbered(members, len(flats))), Evaluated._fields
    found = _evaluate(rows, architecture, dataset, split=split, kept=kept)
    return Evaluated(found["outputs"], np.asarray(found["score"]))


def outputs_of(
    dataset: Dataset,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    members: MemberIndices = None,
    split: Split = "test",
) -> Float[Array, "network n outputs"]:
    """Outputs of each network on the inputs of a split, on the device."""
    rows = (flats, _numbered(members, len(flats)))
    return _evaluate(rows, architecture, dataset, split=split, kept=("outputs",))["outputs"]


def outputs_on(
    architecture: Architecture, flats: Float[Rows, "network size"], inputs: Shaped[Rows, "n *input"]
) -> Float[Array, "network n outputs"]:
    """Outputs of each network on the same inputs, on the device."""
    return _outputs_on(flats, architecture, inputs)


def scores_on(
    behaviour: Behaviour, outputs: Float[Rows, "network n outputs"], targets: Shaped[Array, "n *target"]
) -> Float[np.ndarray, "network"]:
    """Score of each network from its outputs on inputs whose targets are given."""
    return np.asarray(_score_on(outputs, targets, behaviour=behaviour))


def scores_of(
    dataset: Dataset,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    members: MemberIndices = None,
    split: Split = "test",
) -> Float[np.ndarray, "network"]:
    """Scores of networks given as their flat parameters."""
    rows = (flats, _numbered(members, len(flats)))
    return np.asarray(_evaluate(rows, architecture, dataset, split=split, kept=("score",))["score"])


def agreements(
    behaviour: Behaviour,
    target_outputs: Float[Rows, "network n *output"],
    outputs: Float[Rows, "network n *output"],
) -> Float[np.ndarray, "network"]:
    """Agreement of each network with its target, from their outputs on the same inputs (docs/method.md, eq. 27)."""
    return np.asarray(_agreement((target_outputs, outputs), behaviour=behaviour))


def agreement_with_each(
    behaviour: Behaviour, outputs: Float[Rows, "network n *output"], others: Float[Rows, "other n *output"]
) -> Float[np.ndarray, "network other"]:
    """Agreement of each network with each of some others, from their outputs on the same inputs."""
    return np.asarray(_agreement_with_each(outputs, others, behaviour=behaviour))
