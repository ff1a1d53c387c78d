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

from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs


@flax.struct.dataclass
class Calibration:
    """How well a number of examples finds a network, by networks that did not train the space.

    Attributes:
      counts: numbers of examples.
      deviation: standard deviation of what the encoder says of so many answers, around what it says of many.
      loss: highest mean loss of the answers of one of these networks under the network found from them.
    """

    counts: Float[Array, "count"]
    deviation: Float[Array, "count embedding"]
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
        noise = jax.random.normal(key, (count, len(self.mean)))
        return self.mean[None] + self.deviation[None] * noise


def adapt(netspace: NetSpace, calibration: Calibration, pairs: Pairs, architecture_id: int = 0) -> Posterior:
    """The posterior of ONE task from examples of it: what the encoder says, as uncertain as it is of so many examples.

    Args:
      pairs: the examples; any number of them may only fill up, with a weight of 0.
    """
    row, z = calibration.row(pairs.weight.sum()), netspace.embed_task(pairs)
    loss = example_loss(netspace, z, pairs, architecture_id) / jnp.maximum(pairs.weight.sum(), 1.0)
    return Posterior(z, calibration.deviation[row], loss, calibration.loss[row])


def example_loss(
    netspace: NetSpace, z: Float[Array, "embedding"], pairs: Pairs, architecture_id: int
) -> Float[Array, ""]:
    """Summed loss of examples under the network of an embedding: minus their log-likelihood, of classes."""
    outputs = netspace.architectures[architecture_id].apply(netspace.generate(z, architecture_id), pairs.inputs)
    return (netspace.behaviour.answer_losses(outputs, pairs.answers) * pairs.weight).sum()
