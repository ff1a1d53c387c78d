"""The same networks read otherwise: as architectures of the same shapes, on the same data given otherwise.

Names and shapes do not tell what a network computes. Where another reading scores better, the one asked for is wrong.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from netspace_jax import architectures
from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Behaviour, Supervised
from netspace_jax.dataset import Batch, Dataset
from netspace_jax.errors import InputError
from netspace_jax.metrics.outputs import outputs_on, scores_of, scores_on

NETWORKS, INPUTS = 16, 512
"""Networks and inputs that alternatives are compared on."""
_BETTER = 0.02  # of the span of scores, by which an alternative has to be better on the mean before it is named
_MOST = 0.75  # share of the networks that have to be better, since barely trained ones differ by luck


class Alternative(NamedTuple):
    """A way to read networks: the flags that ask for it, and the score that each of the networks then has."""

    flags: str
    scores: Float[np.ndarray, "network"]

    @property
    def mean(self) -> float:
        """Mean of the scores."""
        return float(self.scores.mean())


def score_alternatives(
    architecture: Architecture,
    flats: Sequence[Float[np.ndarray, "size"]],
    dataset: Dataset,
    inputs: Mapping[str, Batch],
) -> tuple[Alternative, ...]:
    """Scores of some of the networks on validation inputs in every way, the one asked for first.

    Args:
      inputs: the first `INPUTS` validation inputs, given in other ways, by the flags that ask for them.
    """
    chosen = np.unique(np.linspace(0, len(flats) - 1, min(len(flats), NETWORKS)).astype(int))
    networks, behaviour = np.stack([flats[row] for row in chosen]), dataset.behaviour
    scored = []
    for rival in (architecture, *_of_same_shapes(architecture, behaviour)):
        flag = "" if rival is architecture else f"--architecture {rival.name}"
        if not isinstance(behaviour, Supervised):
            scored.append(Alternative(flag, scores_of(dataset, rival, networks, split="validation")))
            continue
        examples = dataset.examples("validation")
        as_given = Batch(examples.inputs[:INPUTS], examples.targets[:INPUTS])
        for flags, batch in {"": as_given, **inputs}.items():
            scores = scores_on(behaviour, outputs_on(rival, networks, batch.inputs), batch.targets)
            scored.append(Alternative(" ".join(filter(None, (flag, flags))), scores))
    return tuple(scored)


def better(alternatives: Sequence[Alternative], span: float) -> Alternative | None:
    """The best of all but the first, if it is clearly better than the first: on the whole and for most networks.

    Args:
      span: of the scores that can be (`Metric.span`).
    """
    best = max(alternatives, key=lambda alternative: alternative.mean)
    gains = best.scores - alternatives[0].scores
    return best if gains.mean() > _BETTER * span and (gains > 0).mean() >= _MOST else None


def _of_same_shapes(architecture: Architecture, behaviour: Behaviour) -> list[Architecture]:
    """Other registered architectures whose tensors have the same shapes in the same order: they read the same file.

    Those that are folded when their training ends have branches, and are told by their tensors.
    """
    shapes = [leaf.shape for leaf in architecture.spec.leaves]
    rivals = []
    for name in architectures.names():
        try:
            rival = behaviour.architecture(name)
        except InputError:  # it does not take such inputs
            continue
        if name != architecture.name and rival.fold is None and [leaf.shape for leaf in rival.spec.leaves] == shapes:
            rivals.append(rival)
    return rivals
