"""Input against generated network (docs/method.md, Metrics)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import kendalltau

from netspace_jax.metrics.behaviour import compare
from netspace_jax.space.many import classify_many, embed_many, generate_many
from netspace_jax.space.netspace import NetSpace
from netspace_jax.task import Dataset, Split
from netspace_jax.zoo import Networks


class Reconstruction(NamedTuple):
    """Networks of one architecture, and what came out of the autoencoder for them.

    Attributes:
      score, generated_score: of the input and of the generated network, on the inputs of a split.
      agreement: share of those inputs on which the two say the same.
      read_as: id of the architecture that the head reads.
    """

    embedding: Float[np.ndarray, "network embedding"]
    generated: Float[np.ndarray, "network size"]
    score: Float[np.ndarray, "network"]
    generated_score: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]
    read_as: Int[np.ndarray, "network"]

    @property
    def gap(self) -> float:
        """Mean absolute difference of score between input and generated network."""
        return float(np.abs(self.score - self.generated_score).mean())

    @property
    def kendall_tau(self) -> float:
        """Kendall's τ between the scores of inputs and of generated networks; NaN where all are equal."""
        return float(kendalltau(self.score, self.generated_score)[0])


def reconstruct(
    netspace: NetSpace, dataset: Dataset, networks: Networks, architecture_id: int, split: Split = "test"
) -> Reconstruction:
    """Encode and decode networks of one architecture, and compare on the inputs of a split."""
    z = embed_many(netspace, architecture_id, networks.parameters)
    return decode_and_compare(netspace, dataset, networks, z, architecture_id=architecture_id, split=split)


def decode_and_compare(
    netspace: NetSpace,
    dataset: Dataset,
    networks: Networks,
    z: Float[np.ndarray, "network embedding"],
    *,
    architecture_id: int,
    split: Split = "test",
) -> Reconstruction:
    """The networks that embeddings stand for beside those that they are embeddings of."""
    generated = generate_many(netspace, architecture_id, z)
    architecture = netspace.architectures[architecture_id]
    found = compare(dataset, architecture, networks.parameters, generated, members=networks.indices, split=split)
    return Reconstruction(z, generated, *found, classify_many(netspace, z))
