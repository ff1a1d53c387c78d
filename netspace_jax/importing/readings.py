"""Other ways to read the same networks: architectures of the same shapes, the same data given otherwise.

Names and shapes do not tell what a network computes. Where another reading scores better, the one asked for is wrong.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from netspace_jax import architectures
from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Batch, Behaviour
from netspace_jax.errors import InputError
from netspace_jax.metrics.outputs import outputs_on, scores_on

NETWORKS, INPUTS = 16, 512
"""Networks and inputs that readings are compared on."""
_BETTER = 0.02  # by how much of the mean score another reading has to be better before it is named

_MOST = 0.75  # share of the networks that have to be better, since barely trained ones differ by luck


class Reading(NamedTuple):
    """A way to read networks: flags that ask for it, and the score that each of the networks then has."""

    flags: str
    scores: Float[np.ndarray, "network"]

    @property
    def score(self) -> float:
        """Mean of the scores."""
        return float(self.scores.mean())


def compare_readings(
    architecture: Architecture,
    flats: Sequence[Float[np.ndarray, "size"]],
    behaviour: Behaviour,
    given: Batch,
    otherwise: Mapping[str, Batch],
) -> tuple[Reading, ...]:
    """Mean scores of some of the networks in every reading, the one asked for first.

    Args:
      given: inputs as they are, with their targets.
      otherwise: the same, given in other ways, by the flags that ask for them.
    """
    chosen = np.unique(np.linspace(0, len(flats) - 1, min(len(flats), NETWORKS)).astype(int))
    some = np.stack([flats[i] for i in chosen])
    rivals = [architecture, *_of_same_shapes(architecture, behaviour)]
    readings = []
    for rival in rivals:
        for flags, batch in {"": given, **otherwise}.items():
            scores = scores_on(behaviour, outputs_on(rival, some, batch.inputs), batch.targets)
            named = "" if rival is architecture else f"--architecture {rival.name}"
            readings.append(Reading(" ".join(filter(None, (named, flags))), scores))
    return tuple(readings)


def better(readings: Sequence[Reading]) -> Reading | None:
    """The best of other readings, if it is clearly better than the one asked for: on the whole and for most."""
    best = max(readings, key=lambda reading: reading.score)
    gains = best.scores - readings[0].scores
    return best if gains.mean() > _BETTER and (gains > 0).mean() >= _MOST else None


def _of_same_shapes(architecture: Architecture, behaviour: Behaviour) -> list[Architecture]:
    """Other known architectures whose tensors have the same shapes in the same order, so that they read the same file.

    Those that are folded when their training ends have branches, and are told by their tensors.
    """
    shapes = [leaf.shape for leaf in architecture.spec.leaves]
    found = []
    for name in architectures.names():
        try:
            rival = behaviour.architecture(name)
        except InputError:  # it does not take such inputs
            continue
        if name != architecture.name and rival.fold is None and [leaf.shape for leaf in rival.spec.leaves] == shapes:
            found.append(rival)
    return found
