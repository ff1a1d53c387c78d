"""Adaptation: from a handful of examples of a new task to a network (docs/method.md, Adaptation).

Pure functions of ONE task, to be jitted and vmapped. A set encoder reads the examples as it reads a network by its
answers, so that no label of a training network is ever needed. Networks that validate the space say how far a number
of examples can be trusted: each of them is found again from so many of its own answers.
"""

from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs

LEFT_OUT = 16
"""Examples, at most, that are left out one at a time, to see whether the others foretell them."""


@flax.struct.dataclass
class Calibration:
    """How well a number of examples finds a network, by networks that did not train the space.

    Attributes:
      counts: numbers of examples.
      deviation: standard deviation of what the encoder says of so many answers, around what it says of all.
      loss: mean loss of an answer under the network found from the others, which 19 of 20 of these networks do not
        exceed.
    """

    counts: Float[Array, "count"]
    deviation: Float[Array, "count embedding"]
    loss: Float[Array, "count"]

    def row(self, count: Float[Array, ""]) -> Int[Array, ""]:
        """The row of the number of examples that is nearest, by their ratio."""
        return nearest_count(self.counts, count)


def nearest_count(counts: Float[Array, "count"], count: Float[Array, ""]) -> Int[Array, ""]:
    """The place of the number of examples that is nearest to a number of them, in ratio."""
    return jnp.abs(jnp.log(counts) - jnp.log(jnp.maximum(count, 1.0))).argmin()


class Posterior(NamedTuple):
    """Embeddings of a task after some examples: a Gaussian.

    Attributes:
      loss: mean loss of an example under the network found from the others.
      expected_loss: the highest to be expected of a task like those of the zoo.
    """

    mean: Float[Array, "embedding"]
    deviation: Float[Array, "embedding"]
    loss: Float[Array, ""]
    expected_loss: Float[Array, ""]

    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count embedding"]:
        """Embeddings drawn from it."""
        noise = jax.random.normal(key, (count, len(self.mean)))
        return self.mean[None] + self.deviation[None] * noise


def adapt(netspace: NetSpace, calibration: Calibration, pairs: Pairs, architecture_id: int = 0) -> Posterior:
    """The posterior of ONE task from examples of it: what the encoder says, as uncertain as it is of so many examples.

    Args:
      pairs: the examples; any number of them may only fill up, with a weight of 0.
    """
    row = calibration.row(pairs.weight.sum())
    loss = left_out_loss(netspace, pairs, architecture_id)
    return Posterior(netspace.embed_task(pairs), calibration.deviation[row], loss, calibration.loss[row])


VOTERS = 64
"""Training networks, at most, whose mean answer labels inputs without targets."""

ROUNDS = 3
"""Times that the network found so far labels them anew."""


def answers_without_targets(
    netspace: NetSpace,
    embeddings: Float[Array, "network embedding"],
    inputs: Shaped[Array, "n *input"],
    architecture_id: int = 0,
) -> Pairs:
    """Examples of ONE task whose targets are not known (docs/method.md, Adaptation).

    The training networks that know most of these inputs, by the behaviour's `information`, answer them together; the
    network that is found from these answers then answers them anew, a few times.
    """
    apply, behaviour = netspace.architectures[architecture_id].apply, netspace.behaviour

    def one(z):
        outputs = apply(netspace.generate(z, architecture_id), inputs)
        return behaviour.information(outputs), behaviour.answers(outputs)

    information, answers = jax.lax.map(one, embeddings)
    _, voters = jax.lax.top_k(information, min(VOTERS, len(embeddings)))
    pairs = Pairs(inputs, answers[voters].mean(0), jnp.ones(len(inputs)))

    def anew(_, pairs):
        flat = netspace.generate(netspace.embed_task(pairs), architecture_id)
        return pairs._replace(answers=behaviour.answers(apply(flat, inputs)))

    return jax.lax.fori_loop(0, ROUNDS, anew, pairs)


def left_out_loss(netspace: NetSpace, pairs: Pairs, architecture_id: int) -> Float[Array, ""]:
    """Mean loss of an example under the network that the others find, each left out in turn: of classes, minus the
    logarithm of the probability that they give it.
    """
    apply, behaviour = netspace.architectures[architecture_id].apply, netspace.behaviour

    def one(weight, example, answer):
        z = netspace.embed_task(pairs._replace(weight=weight))
        outputs = apply(netspace.generate(z, architecture_id), example[None])
        return behaviour.answer_losses(outputs, answer[None]).sum()

    count = min(len(pairs.weight), LEFT_OUT)
    weight, others = pairs.weight[:count], pairs.weight[None] * (1 - jnp.eye(count, len(pairs.weight)))
    losses = jax.vmap(one)(others, pairs.inputs[:count], pairs.answers[:count])
    return (losses * weight).sum() / jnp.maximum(weight.sum(), 1.0)
