"""Input against generated network (reference, section What is evaluated)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, PyTree
from scipy.stats import kendalltau

from netspace_jax.space.behaviour import compare, embed, generate, predicted_kinds
from netspace_jax.space.loss import Shown
from netspace_jax.space.netspace import Constants, NetSpace
from netspace_jax.task import Split, Task


class Reconstruction(NamedTuple):
    """Networks of one architecture, and what came out of the autoencoder for them.

    Attributes:
      score, generated_score: of the input and of the generated network, on the inputs of a split.
      agreement: share of those inputs on which the two say the same.
      predicted: position of the architecture that the head names.
    """

    embedding: Float[np.ndarray, "network embedding"]
    generated: Float[np.ndarray, "network size"]
    score: Float[np.ndarray, "network"]
    generated_score: Float[np.ndarray, "network"]
    agreement: Float[np.ndarray, "network"]
    predicted: Int[np.ndarray, "network"]

    @property
    def gap(self) -> float:
        """Mean absolute difference of score between input and generated network."""
        return float(np.abs(self.score - self.generated_score).mean())

    @property
    def kendall_tau(self) -> float:
        """Kendall's τ between the scores of inputs and of generated networks; NaN where all are equal."""
        return float(kendalltau(self.score, self.generated_score).statistic)


def reconstruct(netspace: NetSpace, params: PyTree, constants: Constants, task: Task, networks: Shown, kind: int,
                split: Split) -> Reconstruction:
    """Encode and decode networks of architecture `kind`, and compare on the inputs of `split`."""
    z = embed(netspace, params, constants, task, networks.flats, kind)
    generated = generate(netspace, params, constants, z, kind)
    marks = compare(netspace.architectures[kind], networks.flats, generated, task, networks.items, split)
    return Reconstruction(z, generated, *marks, predicted_kinds(netspace, params, z))
