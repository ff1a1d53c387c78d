"""Test-time adaptation: the network for all tasks, adapted to the inputs that it is asked about, without a label.

Batch norms are folded when a network's training ends (docs/population.md), so the statistics of a batch (Schneider et
al. 2020, arXiv 2006.16971) are taken where every network has some: at its input. TENT (Wang et al. 2021, arXiv
2006.10726) descends the entropy of its answers, here by all of its parameters.
"""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Supervised
from netspace_jax.classes import ClassAnswers
from netspace_jax.dataset import Dataset, RunNetwork
from netspace_jax.errors import InputError
from netspace_jax.latent import Schedule, minimise
from netspace_jax.metrics.adaptation.adapter import Examples, FixedNetwork
from netspace_jax.metrics.adaptation.descent import Steps
from netspace_jax.metrics.adaptation.examples import AllTasks

_STATISTICS = 4096  # inputs of training tasks whose mean and deviation inputs are brought to


@flax.struct.dataclass
class Aligned(FixedNetwork):
    """A network that is given inputs of the mean and deviation, by channel, of those that it learned from."""

    mean: Float[Array, "*ones channel"]
    deviation: Float[Array, "*ones channel"]

    def adapt(self, key: PRNGKeyArray, examples: Examples) -> RunNetwork:
        """The function that brings its inputs there, by their own mean and deviation; examples are not looked at."""
        del key, examples

        def run(inputs: Float[Array, "n *input"]) -> Float[Array, "n *output"]:
            mean, deviation = moments(inputs)
            return self.architecture.apply(self.values, (inputs - mean) / deviation * self.deviation + self.mean)

        return run


@flax.struct.dataclass
class EntropyTuned(FixedNetwork):
    """A network tuned by Adam to be sure of the inputs that it is asked about."""

    settings: Steps
    behaviour: Supervised = flax.struct.field(pytree_node=False)

    def adapt(self, key: PRNGKeyArray, examples: Examples) -> RunNetwork:
        """The function that tunes it on its inputs, and then answers them; examples are not looked at."""
        del examples
        schedule = Schedule(self.settings.steps, self.settings.rate, final=jnp.float32(0.1))

        def run(inputs: Float[Array, "n *input"]) -> Float[Array, "n *output"]:
            def entropy(flat, key, step):
                del key, step
                outputs = self.architecture.apply(flat, inputs)
                return self.behaviour.answer_losses(outputs, self.behaviour.answers(outputs)).mean()

            tuned = minimise(entropy, self.values, jax.random.clone(key), schedule).last
            return self.architecture.apply(tuned, inputs)

        return run


def moments(inputs: Float[Array, "n *input"]) -> tuple[Float[Array, "*ones channel"], Float[Array, "*ones channel"]]:
    """Mean and standard deviation of each channel, the last axis."""
    axes = tuple(range(inputs.ndim - 1))
    return inputs.mean(axes, keepdims=True), inputs.std(axes, keepdims=True) + 1e-3


def aligned(
    key: PRNGKeyArray,
    architecture: Architecture,
    flat: Float[np.ndarray, "size"],
    dataset: Dataset,
    members: Int[np.ndarray, "task"],
) -> Aligned:
    """A network for all tasks of some members, with the statistics of their inputs.

    Raises:
      InputError: inputs are no numbers that have a mean.
    """
    if not jnp.issubdtype(architecture.input_dtype, jnp.floating):
        raise InputError(f"inputs of {architecture.name} are {architecture.input_dtype}, which have no mean")
    draw = jax.jit(lambda data, key: moments(data.draw_with_members(key, _STATISTICS)[1].inputs))
    return Aligned(architecture, jnp.asarray(flat), *draw(AllTasks(dataset, jnp.asarray(members)), key))


def check_classes(behaviour: Any) -> None:
    """Refuse answers that have no entropy.

    Raises:
      InputError: they are no classes.
    """
    if not isinstance(behaviour, ClassAnswers):
        raise InputError("only answers that are classes have an entropy")
