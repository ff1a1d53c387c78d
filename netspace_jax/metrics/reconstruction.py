"""Networks against those generated from their embeddings (docs/method.md, Metrics)."""

from typing import NamedTuple, cast

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import kendalltau

from netspace_jax.behaviour import Dataset, Split
from netspace_jax.metrics.outputs import compare
from netspace_jax.ops.mapping import Rows
from netspace_jax.space.batched import classify_many, embed_many, generate_many
from netspace_jax.space.loss import Group
from netspace_jax.space.netspace import NetSpace
from netspace_jax.zoo import Networks


class Reconstruction(NamedTuple):
    """Networks of one architecture, and the networks that the autoencoder generates for them, row for row.

    Attributes:
      embedding: of each input network.
      generated: flat parameters of the generated network.
      score, generated_score: scores of the input and of the generated network, on the inputs of a split.
      agreement: share of those inputs on which the two give the same answer (docs/method.md, eq. 29).
      read_as: id of the architecture that the head reads in the embedding.
    """

    embedding: Float[np.ndarray, "network embedding"]
    generated: Float[np.ndarray, "network size"]
    score: Float[np.ndarray, "network"]
    generated_score: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]
    read_as: Int[np.ndarray, "network"]

    @property
    def gap(self) -> float:
        """Mean distance of the generated networks' scores from their inputs' (docs/method.md, eq. 28)."""
        return float(gaps(self.score, self.generated_score).mean())

    @property
    def kendall_tau(self) -> float:
        """Kendall's τ between the scores of the input and of the generated networks."""
        return kendall_tau(self.score, self.generated_score)


def gaps(
    score: Float[np.ndarray, "network"], generated_score: Float[np.ndarray, "network"]
) -> Float[np.ndarray, "network"]:
    """How far each generated network's score is from its input's; the gap is the mean (docs/method.md, eq. 28)."""
    return np.abs(score - generated_score)


def kendall_tau(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]) -> float:
    """Kendall's τ-b between two rankings (docs/method.md, eq. 30); NaN where all values of one are equal."""
    return float(cast(float, kendalltau(a, b)[0]))


def reconstruct(
    netspace: NetSpace, dataset: Dataset, networks: Networks | Group, architecture_id: int, split: Split = "test"
) -> Reconstruction:
    """Encode and decode networks of one architecture, and compare both on the inputs of a split."""
    z = embed_many(netspace, architecture_id, networks.parameters)
    return decode_and_compare(netspace, dataset, networks, z, architecture_id=architecture_id, split=split)


def decode_and_compare(
    netspace: NetSpace,
    dataset: Dataset,
    networks: Networks | Group,
    z: Float[Rows, "network embedding"],
    *,
    architecture_id: int,
    split: Split = "test",
) -> Reconstruction:
    """Decode the embeddings `z` of `networks`, and compare each with its network on the inputs of a split."""
    generated = generate_many(netspace, architecture_id, z)
    architecture = netspace.architectures[architecture_id]
    found = compare(dataset, architecture, networks.parameters, generated, members=networks.indices, split=split)
    z, generated, read_as = (np.asarray(array) for array in (z, generated, classify_many(netspace, z)))
    return Reconstruction(z, generated, *found, read_as)
