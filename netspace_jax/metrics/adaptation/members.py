"""What the zoo's own networks do for a new task: the nearest of them, their vote, the mean of their weights."""

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import Supervised
from netspace_jax.dataset import RunNetwork
from netspace_jax.metrics.adaptation.adapter import Examples, OneNetwork, weighted_mean
from netspace_jax.ops.mapping import FEW
from netspace_jax.ops.platform import on_cpu

_TOGETHER = 256  # members that run together on an accelerator


@flax.struct.dataclass
class TrainedNetworks:
    """Networks of training tasks, of which the nearest to a new task are those with the least loss on its examples."""

    architecture: Architecture
    flats: Float[Array, "member size"]
    behaviour: Supervised = flax.struct.field(pytree_node=False)

    def losses(self, examples: Examples) -> Float[Array, "member"]:
        """Mean loss of each member on the examples; of one that gives no number, infinity."""

        def one(flat: Float[Array, "size"]) -> Float[Array, "example"]:
            return self.behaviour.example_losses(self.architecture.apply(flat, examples.inputs), examples.targets)

        # Each alone, without the weights: these may be vmapped, and members run once for all of them.
        losses = jax.lax.map(one, self.flats, batch_size=FEW if on_cpu() else _TOGETHER)
        found = weighted_mean(losses, examples.weight)
        return jnp.where(jnp.isfinite(found), found, jnp.inf)

    def best(self, examples: Examples, count: int) -> Int[Array, "best"]:
        """Rows of the nearest members, the nearest first."""
        return jax.lax.top_k(-self.losses(examples), min(count, len(self.flats)))[1]


@flax.struct.dataclass
class NearestMember(OneNetwork):
    """The member that fits the examples best, by loss."""

    members: TrainedNetworks

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """Its parameters."""
        del key
        return self.members.flats[self.members.best(examples, 1)[0]]


@flax.struct.dataclass
class MeanWeights(OneNetwork):
    """The mean of the weights of the members that fit best (model soups: Wortsman et al. 2022, arXiv 2203.05482)."""

    members: TrainedNetworks
    count: int = flax.struct.field(pytree_node=False)

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """The mean of their parameters."""
        del key
        return self.members.flats[self.members.best(examples, self.count)].mean(0)


@flax.struct.dataclass
class Vote:
    """The mean of the outputs of the members that fit best."""

    one_network = False

    members: TrainedNetworks
    count: int = flax.struct.field(pytree_node=False)

    @property
    def parameters(self) -> int:
        """Those of all that vote."""
        return min(self.count, len(self.members.flats)) * self.members.architecture.size

    def adapt(self, key: PRNGKeyArray, examples: Examples) -> RunNetwork:
        """The function that averages their outputs."""
        del key
        chosen = self.members.flats[self.members.best(examples, self.count)]
        apply = self.members.architecture.apply
        return lambda inputs: jax.lax.map(lambda flat: apply(flat, inputs), chosen).mean(0)
