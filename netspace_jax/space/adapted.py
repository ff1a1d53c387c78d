"""A network that was found from examples of a new task, with what the examples leave open."""

import dataclasses
import functools
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from netspace_jax.behaviour import as_supervised, prepared
from netspace_jax.classes import ClassAnswers
from netspace_jax.errors import InputError
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.space.adaptation import Calibration, Posterior, adapt, answers_without_targets
from netspace_jax.space.batched import generate_many
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.network import Network
from netspace_jax.space.observation import Pairs

_DRAWS = 16


@functools.partial(jax.jit, static_argnames=("architecture_id",))
def _adapt(netspace: NetSpace, calibration: Calibration, pairs: Pairs, architecture_id: int) -> tuple[Posterior, Array]:
    posterior = adapt(netspace, calibration, pairs, architecture_id)
    return posterior, netspace.generate(posterior.mean, architecture_id)


@dataclasses.dataclass(frozen=True)
class Adapted:
    """What a space knows of a task after some examples of it.

    Attributes:
      pairs: the examples so far.
      posterior: a Gaussian over embeddings; its mean is decoded.
    """

    netspace: NetSpace
    calibration: Calibration
    architecture_id: int
    pairs: Pairs
    posterior: Posterior
    network: Network

    @property
    def familiar(self) -> bool:
        """Whether the examples foretell each other as well as answers of networks of the space's own kind do."""
        return bool(self.posterior.loss <= self.posterior.expected_loss)

    def update(self, inputs: Shaped[Any, "n *input"], targets: Any) -> "Adapted":
        """The same after further examples.

        Raises:
          InputError: as `Space.adapt`.
        """
        more = examples_as_pairs(self.netspace, inputs, targets)
        pairs = jax.tree.map(lambda old, new: jnp.concatenate([old, new]), self.pairs, more)
        return adapt_to(self.netspace, self.calibration, pairs, self.architecture_id)

    def sample(self, count: int, seed: PRNGKeyArray | int = 0) -> list[Network]:
        """Networks that the examples allow, drawn from the posterior."""
        z = self.posterior.sample(key_of(seed, Purpose.SAMPLE), count)
        flats = generate_many(self.netspace, self.architecture_id, z)
        return [dataclasses.replace(self.network, flat=flat, embedding=row) for flat, row in zip(flats, z, strict=True)]

    def certainty(self, inputs: Shaped[Any, "n *input"], seed: PRNGKeyArray | int = 0) -> Float[Array, ""]:
        """Mean agreement of networks drawn from the posterior with the network itself, on inputs without answers.

        Raises:
          InputError: the inputs are none, of another shape, or not finite.
        """
        behaviour = self.netspace.behaviour
        data = prepared(behaviour, inputs, "inputs")
        z = self.posterior.sample(key_of(seed, Purpose.SAMPLE), _DRAWS)
        flats = generate_many(self.netspace, self.architecture_id, z)
        with jax.default_matmul_precision("float32"):
            return _mean_agreement(self.network.architecture, self.network.flat, flats, data, behaviour)


@functools.partial(jax.jit, static_argnames=("behaviour",))
def _mean_agreement(architecture, flat, others, inputs, behaviour) -> Float[Array, ""]:
    """Agreement of a network with others of its architecture, on the same inputs."""
    outputs = architecture.apply(flat, inputs)
    return jax.vmap(lambda other: behaviour.agreement(outputs, architecture.apply(other, inputs)))(others).mean()


_unlabelled = jax.jit(answers_without_targets, static_argnames=("architecture_id",))


def inputs_as_pairs(netspace: NetSpace, embeddings: Any, inputs: Any, architecture_id: int) -> Pairs:
    """A user's inputs without targets, answered by the networks that know most of them.

    Raises:
      InputError: they are not what the space's networks take, fewer than two, or nothing can be said without targets.
    """
    data = prepared(netspace.behaviour, inputs, "inputs")
    if len(data) < 2:
        raise InputError("inputs: one alone says nothing without its target; give several, or targets")
    with jax.default_matmul_precision("float32"):
        return _unlabelled(netspace.netspace, jnp.asarray(embeddings), data, architecture_id=architecture_id)


def examples_as_pairs(netspace: NetSpace, inputs: Any, targets: Any) -> Pairs:
    """A user's examples as a set encoder reads them.

    Raises:
      InputError: inputs or targets are not what the space's networks take and answer.
    """
    behaviour = as_supervised(netspace.behaviour)
    data = prepared(behaviour, inputs, "inputs")
    answers = behaviour.target_answers(behaviour.check_examples(data, targets))
    outputs = jax.ShapeDtypeStruct((len(data), *netspace.architectures[0].output_shape), jnp.float32)
    size = jax.eval_shape(behaviour.answers, outputs).shape[1]
    if answers.shape[1] != size:
        raise InputError(f"targets: {answers.shape[1]} values for each input, where these networks give {size}")
    return Pairs(data, answers, jnp.ones(len(data)))


def adapt_to(netspace: NetSpace, calibration: Calibration, pairs: Pairs, architecture_id: int) -> Adapted:
    """The network of a task; examples are filled up to a power of two, so that few numbers of them compile anew."""
    count = len(pairs.weight)
    room = (1 << (count - 1).bit_length()) - count
    filled = jax.tree.map(lambda leaf: jnp.pad(leaf, [(0, room)] + [(0, 0)] * (leaf.ndim - 1)), pairs)
    with jax.default_matmul_precision("float32"):
        posterior, flat = _adapt(netspace.netspace, calibration, filled, architecture_id=architecture_id)
    network = Network(netspace.architectures[architecture_id], netspace.behaviour, flat, posterior.mean)
    adapted = Adapted(netspace.netspace, calibration, architecture_id, pairs, posterior, network)
    if count > 1 and isinstance(netspace.behaviour, ClassAnswers) and _one_class(pairs):
        warnings.warn(
            f"all {count} examples are of the class {int(pairs.answers[0].argmax())}: they tell how inputs of this "
            f"task look, and little of its other classes; give examples of several",
            stacklevel=3,
        )
    if not adapted.familiar:
        warnings.warn(
            f"each of the {count} examples has a mean loss of {float(posterior.loss):.3g} under the network that the "
            f"others find; of a task like those of the zoo it is at most {float(posterior.expected_loss):.3g} 19 "
            f"times in 20: the task may be unlike all that the space has learned, and the network is not to be trusted",
            stacklevel=3,
        )
    return adapted


def _one_class(pairs: Pairs) -> bool:
    return len(np.unique(np.argmax(pairs.answers, 1))) == 1
