"""What a search is for: values that say how well a network does.

A search objective of one's own is any pytree with the two methods of `Objective`.
"""

from typing import Any, Protocol, runtime_checkable

import flax.struct
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.behaviour import Behaviour, Supervised, as_supervised
from netspace_jax.dataset import Dataset, RunNetwork, evaluation_key
from netspace_jax.errors import InputError


@runtime_checkable
class Objective(Protocol):
    """A pytree, so that it passes through jit; what it is made of may be traced."""

    def loss(self, network: RunNetwork, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """What the search minimises, on training inputs drawn from `key` and `step`."""
        ...

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """What the best point is chosen by, on validation inputs; higher is better."""
        ...


@flax.struct.dataclass
class Fit:
    """Do well on a data set by what is true, as the labels of images."""

    dataset: Dataset
    batch: int = flax.struct.field(pytree_node=False, default=128)

    def loss(self, network: RunNetwork, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """The behaviour's loss on a batch."""
        batch = self.dataset.sample(key, step, self.batch)
        return as_supervised(self.dataset.behaviour).fit_loss(network(batch.inputs), batch.targets)

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """The data's own score, on its validation split."""
        return self.dataset.score(network, evaluation_key(), "validation")


@flax.struct.dataclass
class FitArrays:
    """Do well on some inputs and targets; others choose the best point. Every step sees all of them."""

    behaviour: Supervised = flax.struct.field(pytree_node=False)
    inputs: Shaped[Array, "n *input"]
    targets: Shaped[Array, "n *target"]
    held_inputs: Shaped[Array, "m *input"]
    held_targets: Shaped[Array, "m *target"]

    def loss(self, network: RunNetwork, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """The behaviour's loss."""
        del key, step
        return self.behaviour.fit_loss(network(self.inputs), self.targets)

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """The behaviour's score on what is held out."""
        return self.behaviour.score(network(self.held_inputs), self.held_targets)


def fit_objective(
    behaviour: Behaviour, inputs: Shaped[Any, "n *input"], targets: Shaped[Any, "m *target"]
) -> FitArrays:
    """The objective of doing well on the inputs and targets that a caller has; every fifth is held out to choose by.

    Raises:
      InputError: inputs are not what the behaviour takes, or are not as many as targets, or fewer than 5.
    """
    inputs, targets = behaviour.prepare(inputs), jnp.asarray(targets)
    if len(inputs) != len(targets) or len(inputs) < 5:
        raise InputError(
            f"{len(inputs)} inputs and {len(targets)} targets: give one target for each of at least 5 inputs"
        )
    held = np.arange(len(inputs)) % 5 == 0
    return FitArrays(as_supervised(behaviour), inputs[~held], targets[~held], inputs[held], targets[held])
