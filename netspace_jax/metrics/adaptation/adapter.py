"""Adapters: from a few examples of ONE new task to what answers its inputs."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Supervised
from netspace_jax.dataset import RunNetwork
from netspace_jax.space.adaptation import nearest_count


class Examples(NamedTuple):
    """Examples of ONE task, filled up to a fixed number so that one program serves any number of them.

    Attributes:
      weight: 1 for each example that counts, 0 for those that fill up.
    """

    inputs: Shaped[Array, "example *input"]
    targets: Shaped[Array, "example *target"]
    weight: Float[Array, "example"]


@runtime_checkable
class Adapter(Protocol):
    """A way to adapt to a new task: a pytree, whose arrays are arguments of compiled programs."""

    @property
    def one_network(self) -> bool:
        """Whether what comes out is one network of the members' architecture, and so as small as a member."""
        ...

    @property
    def parameters(self) -> int:
        """Numbers that what comes out needs to answer an input."""
        ...

    def adapt(self, key: PRNGKeyArray, examples: Examples) -> RunNetwork:
        """From the examples of ONE task to a function of its inputs: pure, to be vmapped and jitted.

        Args:
          key: of what it draws, if anything.
        """
        ...


@flax.struct.dataclass
class OneNetwork:
    """An adapter that gives one network of an architecture, as its flat parameters."""

    one_network = True

    architecture: Architecture

    @property
    def parameters(self) -> int:
        """Those of the network."""
        return self.architecture.size

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """Flat parameters of the network for ONE task."""
        raise NotImplementedError

    def adapt(self, key: PRNGKeyArray, examples: Examples) -> RunNetwork:
        """The network as a function of its inputs."""
        return self.architecture.bind(self.flat(key, examples))


@flax.struct.dataclass
class FixedNetwork(OneNetwork):
    """The same network for every task, whatever its examples."""

    values: Float[Array, "size"]

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """Its parameters."""
        del key, examples
        return self.values


@flax.struct.dataclass
class LargeNetwork(FixedNetwork):
    """The same network for every task, of an architecture larger than the members'."""

    one_network = False


@flax.struct.dataclass
class RandomNetwork(OneNetwork):
    """An untrained network of each task's own."""

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """Random parameters."""
        del examples
        return self.architecture.finish(self.architecture.init(key))


class Tunable(Adapter, Protocol):
    """An adapter with settings, such as a rate and a number of steps, that are chosen on validation tasks."""

    settings: Any

    def replace(self, **changes: Any) -> Any:
        """The same adapter with other settings."""
        ...


@flax.struct.dataclass
class ByCount:
    """An adapter whose settings go with the number of examples: those chosen for the nearest number are used.

    Attributes:
      counts: numbers of examples.
      settings: as the adapter's own, with a first axis for these numbers.
    """

    adapter: Any
    counts: Float[Array, "count"]
    settings: PyTree[Shaped[Array, "count ..."]]

    @property
    def one_network(self) -> bool:
        """As of the adapter."""
        return self.adapter.one_network

    @property
    def parameters(self) -> int:
        """As of the adapter."""
        return self.adapter.parameters

    def adapt(self, key: PRNGKeyArray, examples: Examples) -> RunNetwork:
        """What the adapter gives with the settings for so many examples; near is meant in ratio."""
        nearest = nearest_count(self.counts, examples.weight.sum())
        own = jax.tree.map(lambda values: values[nearest], self.settings)
        return self.adapter.replace(settings=own).adapt(key, examples)


def example_loss(behaviour: Supervised, network: RunNetwork, examples: Examples) -> Float[Array, ""]:
    """Mean loss of a network on the examples that count."""
    return weighted_mean(behaviour.example_losses(network(examples.inputs), examples.targets), examples.weight)


def weighted_mean(values: Float[Array, "*rows example"], weight: Float[Array, "example"]) -> Float[Array, "*rows"]:
    """Mean over the examples that count; what fills up may be of any value, also none."""
    counts = jnp.broadcast_to(weight > 0, values.shape)
    return jnp.where(counts, values, 0.0) @ weight / jnp.maximum(weight.sum(), 1.0)
