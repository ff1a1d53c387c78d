"""Networks against those generated from their embeddings (docs/method.md, Metrics)."""

from typing import NamedTuple, cast

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import kendalltau

from netspace_jax.dataset import Dataset, Split
from netspace_jax.metrics.outputs import Evaluated, MemberIndices, agreements, evaluate, scores_of
from netspace_jax.ops.mapping import Rows
from netspace_jax.space import Space
from netspace_jax.space.batched import classify_many, embed_members, generate_many
from netspace_jax.space.netspace import NetSpace
from netspace_jax.zoo import Networks


class Reconstruction(NamedTuple):
    """Networks of one architecture, and the networks that the autoencoder generates for them, row for row.

    Attributes:
      generated: flat parameters of the generated network.
      agreement: share of those inputs on which the two give the same answer (docs/method.md, eq. 29).
      read_as: id of the architecture that the head reads in the embedding.
    """

    embedding: Float[np.ndarray, "network embedding"]
    generated: Float[np.ndarray, "network size"]
    outputs: Float[np.ndarray, "network n *output"]
    score: Float[np.ndarray, "network"]
    generated_outputs: Float[np.ndarray, "network n *output"]
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
    """Distance of each generated network's score from its input's; the gap is the mean (docs/method.md, eq. 28)."""
    return np.abs(score - generated_score)


def kendall_tau(a: Float[np.ndarray, "n"], b: Float[np.ndarray, "n"]) -> float:
    """Kendall's τ-b between two rankings (docs/method.md, eq. 30); NaN where all values of one are equal."""
    return float(cast(float, kendalltau(a, b)[0]))


def reconstruct(
    netspace: NetSpace,
    dataset: Dataset,
    flats: Float[Rows, "network size"],
    original: Evaluated,
    *,
    architecture_id: int,
    members: MemberIndices = None,
    split: Split = "test",
) -> Reconstruction:
    """Encode and decode networks of one architecture, and compare both on the inputs of a split.

    Args:
      original: the same networks, run on these inputs.
    """
    z = embed_members(netspace, architecture_id, flats, dataset, members)
    return decode_and_compare(
        netspace, dataset, original, z, architecture_id=architecture_id, members=members, split=split
    )


def decode_and_compare(
    netspace: NetSpace,
    dataset: Dataset,
    original: Evaluated,
    z: Float[Rows, "network embedding"],
    *,
    architecture_id: int,
    members: MemberIndices = None,
    split: Split = "test",
) -> Reconstruction:
    """Decode embeddings to networks of one architecture, and compare each with an original on the inputs of a split.

    Args:
      original: networks that were run on these inputs, one for each embedding.
    """
    flats = generate_many(netspace, architecture_id, z)
    generated = evaluate(dataset, netspace.architectures[architecture_id], flats, members, split)
    agreement = agreements(dataset.behaviour, original.outputs, generated.outputs)
    values = (z, flats, *original, *generated, agreement, classify_many(netspace, z))
    return Reconstruction(*map(np.asarray, values))


def training_gap(space: Space, dataset: Dataset, networks: Networks, architecture_id: int) -> float:
    """Gap on test inputs of the networks that trained a space; nothing but the scores of generated ones is kept.

    Args:
      networks: the training networks, whose embeddings the space holds, with their scores by the zoo's table.
    """
    flats = generate_many(space, architecture_id, space.embeddings[space.names[architecture_id]])
    score = scores_of(dataset, space.architectures[architecture_id], flats, networks.indices)
    return float(gaps(np.array([member.score_test for member in networks.members]), score).mean())
