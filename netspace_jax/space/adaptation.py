"""Adaptation: from a handful of examples of a new task to a network (docs/method.md, Adaptation).

Pure functions of ONE task, to be jitted and vmapped. A set encoder reads the examples as it reads a network by its
answers, so that no label of a training network is ever needed. Networks that validate the space say how far a number
of examples can be trusted: each of them is found again from so many of its own answers.
"""

from typing import NamedTuple

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.latent import EmbeddingStatistics, Schedule, minimise
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs

COUNTS = (1, 2, 3, 5, 10, 20, 50, 100)
"""Numbers of examples for which a space is calibrated, as far as its data has so many."""

WEIGHTS = (0.0, 0.3, 3.0)
"""Weights of the examples in a descent that are compared; 0 is the encoder's answer as it is."""

STEPS, RATE = 40, 0.05  # of a descent, in standard deviations of the encoder's error

TASKS = 64
"""Networks of an architecture, at most, by which a space is calibrated."""


@flax.struct.dataclass
class Calibration:
    """How well a number of examples finds a network, by networks that did not train the space.

    Attributes:
      counts: numbers of examples.
      deviation: standard deviation of what the encoder says of so many answers, around what it says of many.
      weight: of the examples in a descent around the encoder's embedding, the best for so many; 0 for none.
      loss: highest mean loss of the answers of one of these networks under the network found from them.
    """

    counts: Float[Array, "count"]
    deviation: Float[Array, "count embedding"]
    weight: Float[Array, "count"]
    loss: Float[Array, "count"]

    def row(self, count: Float[Array, ""]) -> Int[Array, ""]:
        """The row of the number of examples that is nearest, by their ratio."""
        return jnp.abs(jnp.log(self.counts) - jnp.log(jnp.maximum(count, 1.0))).argmin()


class Posterior(NamedTuple):
    """Embeddings of a task after some examples: a Gaussian.

    Attributes:
      mean: the embedding that is decoded.
      deviation: standard deviation of each value.
      loss: mean loss of the examples under the network of the mean.
      expected_loss: the highest that a network of the space's own kind had, from as many of its answers.
    """

    mean: Float[Array, "embedding"]
    deviation: Float[Array, "embedding"]
    loss: Float[Array, ""]
    expected_loss: Float[Array, ""]

    def sample(self, key: PRNGKeyArray, count: int) -> Float[Array, "count embedding"]:
        """Embeddings drawn from it."""
        return self.mean + self.deviation * jax.random.normal(key, (count, len(self.mean)))


def adapt(netspace: NetSpace, calibration: Calibration, pairs: Pairs, architecture_id: int = 0) -> Posterior:
    """The posterior of ONE task from examples of it.

    The encoder's embedding first; then, where that paid for the networks that calibrate the space, a descent of the
    examples' loss around it, in units of its own error.

    Args:
      pairs: the examples; any number of them may only fill up, with a weight of 0.
    """
    row = calibration.row(pairs.weight.sum())
    start, deviation = netspace.embed_task(pairs), calibration.deviation[row]
    mean = _descend(netspace, pairs, start, deviation, calibration.weight[row], architecture_id)
    loss = example_loss(netspace, mean, pairs, architecture_id) / jnp.maximum(pairs.weight.sum(), 1.0)
    return Posterior(mean, deviation, loss, calibration.loss[row])


def example_loss(
    netspace: NetSpace, z: Float[Array, "embedding"], pairs: Pairs, architecture_id: int
) -> Float[Array, ""]:
    """Summed loss of examples under the network of an embedding: minus their log-likelihood, of classes."""
    outputs = netspace.architectures[architecture_id].apply(netspace.generate(z, architecture_id), pairs.inputs)
    return (netspace.behaviour.answer_losses(outputs, pairs.answers) * pairs.weight).sum()


def _descend(netspace, pairs, start, deviation, weight, architecture_id) -> Float[Array, "embedding"]:
    around = EmbeddingStatistics(start, deviation, jnp.zeros((0, len(start))), jnp.ones(0))

    def loss(z, key, step):
        del key, step
        return weight * example_loss(netspace, z, pairs, architecture_id)

    steps = jnp.where(weight > 0, STEPS, 0)
    schedule = Schedule(steps, RATE, 0.5 * len(start))  # trust is of the mean square: half of the sum
    return minimise(loss, start, jax.random.key(0), schedule, prior=around).last
