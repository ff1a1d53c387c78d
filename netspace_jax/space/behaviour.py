"""What many networks of one architecture are and do, in blocks of one size: each function is compiled once for any number of them.

One network alone is a block of its own.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.task import Split, Task
from netspace_jax.zoo.population import outputs_of

# Networks that are encoded, decoded and run at once: bounds the memory of an evaluation.
BLOCK = 32

Rows = Array | np.ndarray


def in_blocks(function: Callable[..., PyTree], rows: PyTree, *rest) -> PyTree:
    """What a function of a block of networks says of any number of them, as NumPy arrays.

    Args:
      function: from the number of networks that count, rows of which the others are repeated, and `rest`, to arrays
        whose first axis is the network.
      rows: arrays whose first axis is the network.

    Raises:
      ValueError: there are no rows.
    """
    rows = jax.tree.map(np.asarray, rows)
    total = len(jax.tree.leaves(rows)[0])
    if not total:
        raise ValueError("no networks: there is nothing to evaluate")
    size = 1 if total == 1 else BLOCK
    parts = []
    for begin in range(0, total, size):
        count = min(size, total - begin)
        block = jax.tree.map(lambda leaf, begin=begin, count=count: leaf[begin + np.arange(size) % count], rows)
        parts.append(jax.tree.map(lambda leaf, count=count: np.asarray(leaf)[:count], function(np.int32(count), block, *rest)))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def of_first(count: Int[Array, ""], function: Callable[[PyTree], PyTree], rows: PyTree) -> PyTree:
    """A function of ONE network for the first `count` rows of a block, and zeros or anything for the others.

    As in `population.each_network`, accelerators take them together and a core one after another.
    """
    if jax.default_backend() != "cpu":
        return jax.vmap(function)(rows)

    def row(index):
        return jax.tree.map(lambda leaf: leaf[index], rows)

    size = len(jax.tree.leaves(rows)[0])
    nothing = jax.tree.map(lambda leaf: jnp.zeros((size, *leaf.shape), leaf.dtype), jax.eval_shape(function, row(0)))
    return jax.lax.fori_loop(0, count, lambda index, found: jax.tree.map(
        lambda leaf, value: leaf.at[index].set(value), found, function(row(index))), nothing)


@functools.partial(jax.jit, static_argnames=("netspace", "kind"))
def _embed(_, flats, netspace, params, constants, task, kind):
    return jax.vmap(lambda flat: netspace.encode(params, constants, task, flat, kind))(flats)


@functools.partial(jax.jit, static_argnames=("netspace", "kind"))
def _generate(_, z, netspace, params, constants, kind):
    return jax.vmap(lambda z: netspace.decode(params, constants, z, kind))(z)


@functools.partial(jax.jit, static_argnames="netspace")
def _kinds(_, z, netspace, params):
    return jax.vmap(lambda z: netspace.classify(params, z).argmax())(z)


@functools.partial(jax.jit, static_argnames=("architecture", "split"))
def _outputs(count, rows, architecture, task, split):
    return of_first(count, lambda row: outputs_of(architecture, row[0], task.examples(split, row[1]).inputs), rows)


@functools.partial(jax.jit, static_argnames="architecture")
def _outputs_on(count, flats, architecture, inputs):
    return of_first(count, lambda flat: outputs_of(architecture, flat, inputs), flats)


@functools.partial(jax.jit, static_argnames="split")
def _scores(outputs, items, task, split):
    return jax.lax.map(lambda row: task.score(row[0], task.examples(split, row[1]).targets), (outputs, items))


@jax.jit
def _scores_on(_, outputs, targets, task):
    return jax.vmap(task.score, (0, None))(outputs, targets)


@jax.jit
def _agreements(wanted, outputs, task):
    return jax.vmap(task.agreement)(wanted, outputs)


def embed(netspace: NetSpace, params: PyTree, constants: Constants, task: Task, flats: Float[Rows, "network size"],
          kind: int) -> Float[np.ndarray, "network embedding"]:
    """Embeddings of networks of the architecture at position `kind`."""
    return in_blocks(_embed, flats, netspace, params, constants, task, kind)


def generate(netspace: NetSpace, params: PyTree, constants: Constants, z: Float[Rows, "network embedding"],
             kind: int) -> Float[np.ndarray, "network size"]:
    """Flat parameters of the networks of one architecture that embeddings stand for."""
    return in_blocks(_generate, z, netspace, params, constants, kind)


def predicted_kinds(netspace: NetSpace, params: PyTree, z: Float[Rows, "network embedding"]) -> Int[np.ndarray, "network"]:
    """Positions of the architectures that the head reads in embeddings."""
    return in_blocks(_kinds, z, netspace, params)


def outputs_of_each(architecture: Architecture, flats: Float[Rows, "network size"], task: Task, items: Int[Rows, "network"],
                    split: Split) -> Float[np.ndarray, "network n outputs"]:
    """What each network says of the inputs of a split."""
    return in_blocks(_outputs, (flats, items), architecture, task, split)


def outputs_on(architecture: Architecture, flats: Float[Rows, "network size"],
               inputs: Float[Array, "n *input"]) -> Float[np.ndarray, "network n outputs"]:
    """What each network says of the same inputs."""
    return in_blocks(_outputs_on, flats, architecture, inputs)


def score_outputs(outputs: Float[Rows, "network n outputs"], targets: Shaped[Array, "n *target"], task: Task) -> Float[np.ndarray, "network"]:
    """Scores of what each network says of the same inputs."""
    return in_blocks(_scores_on, outputs, targets, task)


def score_networks(architecture: Architecture, flats: Float[Rows, "network size"], task: Task, items: Int[Rows, "network"],
                   split: Split) -> Float[np.ndarray, "network"]:
    """Scores of networks given as their flat parameters."""
    def scores(count, rows):
        return _scores(_outputs(count, rows, architecture, task, split), rows[1], task, split)

    return in_blocks(scores, (flats, items))


def score_embeddings(netspace: NetSpace, params: PyTree, constants: Constants, task: Task, z: Float[Rows, "network embedding"],
                     items: Int[Rows, "network"], kind: int, split: Split) -> Float[np.ndarray, "network"]:
    """Scores of the networks of architecture `kind` that embeddings stand for."""
    return score_networks(netspace.architectures[kind], generate(netspace, params, constants, z, kind), task, items, split)


def compare(architecture: Architecture, wanted: Float[Rows, "network size"], flats: Float[Rows, "network size"], task: Task,
            items: Int[Rows, "network"], split: Split) -> tuple[Float[np.ndarray, "network"], ...]:
    """Scores of some networks, scores of as many others, and the share of inputs on which each says what its other says."""
    def both(count, rows):
        wanted, flats, items = rows
        first, second = (_outputs(count, (own, items), architecture, task, split) for own in (wanted, flats))
        return _scores(first, items, task, split), _scores(second, items, task, split), _agreements(first, second, task)

    return in_blocks(both, (wanted, flats, items))
