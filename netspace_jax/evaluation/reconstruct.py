"""Input against generated network (reference, section What is evaluated)."""

import functools

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree
from scipy.stats import kendalltau

from netspace_jax.netspace import Constants, NetSpace
from netspace_jax.objectives import Shown
from netspace_jax.population import outputs_of
from netspace_jax.tasks import Split, Task

# Networks that are decoded and run at once: bounds the memory of an evaluation.
BLOCK = 32


@flax.struct.dataclass
class Reconstruction:
    """Networks of one architecture, and what came out of the autoencoder for them.

    Attributes:
      score, generated_score: of the input and of the generated network, on the inputs of a split.
      agreement: share of those inputs on which the two say the same.
      predicted: position of the architecture that the head names.
    """

    embedding: Float[Array, "network embedding"]
    generated: Float[Array, "network size"]
    score: Float[Array, "network"]
    generated_score: Float[Array, "network"]
    agreement: Float[Array, "network"]
    predicted: Int[Array, "network"]

    @property
    def gap(self) -> float:
        """Mean absolute difference of score between input and generated network."""
        return float(np.abs(np.asarray(self.score) - np.asarray(self.generated_score)).mean())

    @property
    def kendall_tau(self) -> float:
        """Kendall's τ between the scores of inputs and of generated networks; NaN where all are equal."""
        return float(kendalltau(self.score, self.generated_score).statistic)


@functools.partial(jax.jit, static_argnames=("netspace", "kind", "split"))
def reconstruct(netspace: NetSpace, params: PyTree, constants: Constants, task: Task, networks: Shown, kind: int,
                split: Split) -> Reconstruction:
    """Encode and decode networks of architecture `kind`, and compare on the inputs of `split`."""
    architecture = netspace.architectures[kind]

    def one(network: Shown) -> Reconstruction:
        z = netspace.encode(params, constants, task, network.flats, kind)
        generated = netspace.decode(params, constants, z, kind)
        examples = task.examples(split, network.items)
        own = outputs_of(architecture, network.flats, examples.inputs)
        new = outputs_of(architecture, generated, examples.inputs)
        return Reconstruction(z, generated, task.score(own, examples.targets), task.score(new, examples.targets),
                              task.agreement(own, new), netspace.classify(params, z).argmax())

    return jax.lax.map(one, networks, batch_size=min(BLOCK, len(networks.items)))


@functools.partial(jax.jit, static_argnames=("netspace", "kind", "split"))
def score_embeddings(netspace: NetSpace, params: PyTree, constants: Constants, task: Task,
                     z: Float[Array, "network embedding"], items: Int[Array, "network"], kind: int,
                     split: Split) -> Float[Array, "network"]:
    """Scores of the networks of architecture `kind` that embeddings stand for."""
    def one(pair):
        return _score(netspace.architectures[kind], netspace.decode(params, constants, pair[0], kind), task, pair[1], split)

    return jax.lax.map(one, (z, items), batch_size=min(BLOCK, len(items)))


@functools.partial(jax.jit, static_argnames=("architecture", "split"))
def score_networks(architecture, flats: Float[Array, "network size"], task: Task, items: Int[Array, "network"],
                   split: Split) -> Float[Array, "network"]:
    """Scores of networks given as their flat parameters."""
    return jax.lax.map(lambda pair: _score(architecture, pair[0], task, pair[1], split), (flats, items),
                       batch_size=min(BLOCK, len(items)))


def _score(architecture, flat, task, item, split):
    examples = task.examples(split, item)
    return task.score(outputs_of(architecture, flat, examples.inputs), examples.targets)
