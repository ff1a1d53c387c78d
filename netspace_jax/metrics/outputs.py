"""Outputs and scores of many networks of one architecture, compiled once for any number of them.

Everywhere, `members` are the indices of the zoo's members on whose data the networks run. They are left out where all
networks see the same data.
"""

import functools

import jax
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour, Dataset, Split, Supervised, evaluation_key
from netspace_jax.ops.mapping import Rows, batched, in_pieces

Members = Int[Rows, "network"] | None


def _numbered(members: Members, count: int) -> Int[np.ndarray, "network"]:
    return np.zeros(count, np.int32) if members is None else np.asarray(members, np.int32)


def _run(architecture: Architecture, flat, inputs):
    return in_pieces(lambda x: architecture.apply(flat, x), inputs)


def _evaluate(flat, member, architecture, dataset, split):
    """Outputs and score of one network; the score is made of the outputs where the behaviour is supervised."""
    data = dataset.of(member)
    outputs = _run(architecture, flat, data.examples(split).inputs)
    if isinstance(dataset.behaviour, Supervised):
        return outputs, dataset.behaviour.score(outputs, data.examples(split).targets)
    return outputs, data.score(architecture.bind(flat), evaluation_key(member), split)


@functools.partial(batched, static=("split",), together=False)
def _outputs(row, architecture, dataset, split):
    flat, member = row
    return _evaluate(flat, member, architecture, dataset, split)[0]


@functools.partial(batched, together=False)
def _outputs_on(flat, architecture, inputs):
    return _run(architecture, flat, inputs)


@functools.partial(batched, static=("split",), together=False)
def _score(row, architecture, dataset, split):
    flat, member = row
    return _evaluate(flat, member, architecture, dataset, split)[1]


@functools.partial(batched, static=("behaviour",))
def _score_on(outputs, targets, behaviour):
    return behaviour.score(outputs, targets)


@functools.partial(batched, static=("behaviour",), together=False)
def _agreements(outputs, others, behaviour):
    return jax.vmap(lambda other: behaviour.agreement(other, outputs))(others)


@functools.partial(batched, static=("split",), together=False)
def _compare(row, architecture, dataset, split):
    *flats, member = row
    outputs, scores = zip(*(_evaluate(flat, member, architecture, dataset, split) for flat in flats), strict=True)
    return *scores, dataset.behaviour.agreement(*outputs)


def outputs_of(
    dataset: Dataset,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    members: Members = None,
    split: Split = "test",
) -> Float[Array, "network n outputs"]:
    """What each network says of the inputs of a split, on the device."""
    return _outputs((flats, _numbered(members, len(flats))), architecture, dataset, split=split)


def outputs_on(
    architecture: Architecture, flats: Float[Rows, "network size"], inputs: Shaped[Rows, "n *input"]
) -> Float[Array, "network n outputs"]:
    """What each network says of the same inputs, on the device."""
    return _outputs_on(flats, architecture, inputs)


def scores_on(
    behaviour: Behaviour, outputs: Float[Rows, "network n outputs"], targets: Shaped[Array, "n *target"]
) -> Float[np.ndarray, "network"]:
    """Scores of what each network says of the same inputs."""
    return np.asarray(_score_on(outputs, targets, behaviour=behaviour))


def scores_of(
    dataset: Dataset,
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    members: Members = None,
    split: Split = "test",
) -> Float[np.ndarray, "network"]:
    """Scores of networks given as their flat parameters."""
    return np.asarray(_score((flats, _numbered(members, len(flats))), architecture, dataset, split=split))


def agreement_with_each(
    behaviour: Behaviour, outputs: Float[Rows, "network n outputs"], known: Float[Rows, "known n outputs"]
) -> Float[np.ndarray, "network known"]:
    """Agreement of each network with each of the known ones, from what they say of the same inputs."""
    return np.asarray(_agreements(outputs, known, behaviour=behaviour))


def compare(
    dataset: Dataset,
    architecture: Architecture,
    wanted: Float[Rows, "network size"],
    flats: Float[Rows, "network size"],
    *,
    members: Members = None,
    split: Split = "test",
) -> tuple[Float[np.ndarray, "network"], Float[np.ndarray, "network"], Float[np.ndarray, "network"]]:
    """Scores of networks, scores of as many others, and their pairwise agreement (docs/method.md, eq. 27)."""
    rows = (wanted, flats, _numbered(members, len(flats)))
    target_scores, scores, agreements = _compare(rows, architecture, dataset, split=split)
    return np.asarray(target_scores), np.asarray(scores), np.asarray(agreements)
