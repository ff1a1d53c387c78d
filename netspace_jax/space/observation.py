"""All that an encoder may look at of ONE network, or of one task."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import to_prep
from netspace_jax.behaviour import Behaviour


class Pairs(NamedTuple):
    """A set of inputs with an answer to each: of a network its own, of a task the true ones.

    Attributes:
      weight: of each pair; 0 for one that only fills the array up.
    """

    inputs: Shaped[Array, "n *input"]
    answers: Float[Array, "n answer"]
    weight: Float[Array, "n"]


class Reading(NamedTuple):
    """On which inputs a network is read.

    Attributes:
      weight: of each input, as in `Pairs`.
      decided: whether its answers are read in the form that true targets have.
      noise: what is added to each answer, where targets of a task are measured with an error.
    """

    inputs: Shaped[Array, "n *input"]
    weight: Float[Array, "n"]
    decided: Bool[Array, ""] | bool = False
    noise: Float[Array, "n answer"] | float = 0.0


def reading_of(inputs: Shaped[Array, "n *input"]) -> Reading:
    """All of some inputs alike, and answers as they come."""
    return Reading(inputs, jnp.ones(len(inputs)))


def first_count(count: Float[Array, ""], length: int) -> Float[Array, "n"]:
    """Weights of `length` pairs, of which the first `count` are in the set."""
    return (jnp.arange(length, dtype=jnp.float32) < count).astype(jnp.float32)


def log_uniform_count(key: PRNGKeyArray, length: int) -> Float[Array, "n"]:
    """Weights of `length` pairs, of which the first so many are in the set: a number that is log-uniform from 1."""
    return first_count(jnp.round(jnp.exp(jax.random.uniform(key, maxval=math.log(length)))), length)


class Observation(NamedTuple):
    """All there is to see of a network; an encoder looks at what it needs. Of a task there are pairs, and the rest is
    empty.

    Attributes:
      description: what the behaviour says of its outputs on the probes.
      pairs: its answers on the probes.
    """

    description: Float[Array, "features"]
    statistics: Float[Array, "statistics"]
    prep: Float[Array, "h w"]
    pairs: Pairs


def observe(
    architecture: Architecture,
    flat: Float[Array, "size"],
    outputs: Float[Array, "probe *output"],
    reading: Reading,
    *,
    behaviour: Behaviour,
    prep: tuple[int, int],
    tensors: int,
) -> Observation:
    """All that an encoder may look at of a network.

    Args:
      tensors: parameter tensors of the architecture that has the most, to which statistics are filled up.
    """
    answers = behaviour.answers(outputs)
    answers = jnp.where(reading.decided, behaviour.decided(answers), answers)
    return Observation(
        behaviour.describe(outputs),
        tensor_statistics(architecture, flat, tensors),
        to_prep(flat, prep),
        Pairs(reading.inputs, answers + reading.noise, reading.weight),
    )


def observe_task(pairs: Pairs) -> Observation:
    """All that an encoder may look at of a task: labelled examples."""
    return Observation(jnp.zeros(0), jnp.zeros(0), jnp.zeros((0, 0)), pairs)


def tensor_statistics(architecture: Architecture, flat: Float[Array, "size"], count: int) -> Float[Array, "statistics"]:
    """Log root mean square of each parameter tensor, in forward order; zeros for those that the architecture lacks.

    They show how far each layer was trained and, since architectures differ in number and sizes of their layers, which
    one it is. The order of a layer's neurons does not change them (docs/method.md, eq. 6).
    """
    spec = architecture.spec
    squares = [
        jnp.square(flat[start : start + leaf.size]).mean()
        for leaf, start in zip(spec.leaves, spec.offsets, strict=True)
    ]
    return 0.5 * jnp.log(jnp.pad(jnp.stack(squares), (0, count - len(squares))) + 1e-6)
