"""A space's own adaptation, as a column of the same table."""

import flax.struct
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from netspace_jax.behaviour import as_supervised
from netspace_jax.metrics.adaptation.adapter import Examples, OneNetwork
from netspace_jax.space.adaptation import answers_without_targets
from netspace_jax.space.netspace import NetSpace
from netspace_jax.space.observation import Pairs


@flax.struct.dataclass
class SpaceNetwork(OneNetwork):
    """The network of the embedding that a space's encoder reads in the examples."""

    netspace: NetSpace
    architecture_id: int = flax.struct.field(pytree_node=False)

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """Its parameters."""
        del key
        answers = as_supervised(self.netspace.behaviour).target_answers(examples.targets)
        pairs = Pairs(examples.inputs, answers, examples.weight)
        return self.netspace.generate(self.netspace.embed_task(pairs), self.architecture_id)


@flax.struct.dataclass
class UnlabelledSpaceNetwork(OneNetwork):
    """The network that a space finds from the inputs of the examples alone."""

    netspace: NetSpace
    embeddings: Float[Array, "network embedding"]
    architecture_id: int = flax.struct.field(pytree_node=False)

    def flat(self, key: PRNGKeyArray, examples: Examples) -> Float[Array, "size"]:
        """Its parameters; examples that only fill up are replaced by those that count."""
        del key
        count = examples.weight.sum().astype(jnp.int32)
        inputs = examples.inputs[jnp.arange(len(examples.inputs)) % count]
        pairs = answers_without_targets(self.netspace, self.embeddings, inputs, self.architecture_id)
        return self.netspace.generate(self.netspace.embed_task(pairs), self.architecture_id)
