"""What a search among classifiers of images is for, beside doing well by the labels (`netspace_jax.latent.Fit`)."""

import dataclasses

import flax.struct
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped

from netspace_jax.architectures import Architecture
from netspace_jax.dataset import RunNetwork, evaluation_key
from netspace_jax.domains.images.dataset import ImageData


@flax.struct.dataclass
class Distil:
    """Imitate a teacher and fit the labels, with weight 0 or 0.1 in the paper (docs/method.md, eq. 25).

    Attributes:
      flat: parameters of the teacher, of architecture `teacher`.
    """

    dataset: ImageData
    flat: Float[Array, "size"]
    teacher: Architecture
    temperature: float = flax.struct.field(pytree_node=False, default=4.0)
    label_weight: float = 0.1
    batch: int = flax.struct.field(pytree_node=False, default=128)

    def loss(self, network: RunNetwork, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """(1 − label_weight)·KL(teacher ‖ network) + label_weight·cross-entropy, the KL without its factor T²."""
        behaviour = dataclasses.replace(self.dataset.behaviour, temperature=self.temperature)
        batch = self.dataset.sample(key, step, self.batch)
        outputs, wanted = network(batch.inputs), self.teacher.apply(self.flat, batch.inputs)
        imitation = behaviour.imitation_loss(wanted, outputs) / self.temperature**2
        return (1 - self.label_weight) * imitation + self.label_weight * behaviour.fit_loss(outputs, batch.targets)

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """Accuracy on validation images."""
        return self.dataset.score(network, evaluation_key(), "validation")


@flax.struct.dataclass
class SomeClasses:
    """Tell some of the classes apart, whatever becomes of the others."""

    dataset: ImageData
    classes: tuple[int, ...] = flax.struct.field(pytree_node=False)
    batch: int = flax.struct.field(pytree_node=False, default=128)

    def loss(self, network: RunNetwork, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """Cross-entropy among the classes, over their images."""
        batch = self.dataset.sample(key, step, self.batch)
        own = jnp.isin(batch.targets, jnp.array(self.classes))
        log_p = jax.nn.log_softmax(self._logits(network, batch.inputs))
        right = jnp.take_along_axis(log_p, batch.targets[:, None], 1)[:, 0]
        return -jnp.where(own, right, 0).sum() / jnp.maximum(own.sum(), 1).astype(jnp.float32)

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """Accuracy among the classes, over their validation images."""
        examples = self.dataset.examples("validation")
        own = jnp.isin(examples.targets, jnp.array(self.classes))
        right = self._logits(network, examples.inputs).argmax(-1) == examples.targets
        return (own & right).sum() / jnp.maximum(own.sum(), 1)

    def _logits(self, network: RunNetwork, inputs: Shaped[Array, "n *input"]) -> Float[Array, "n classes"]:
        chosen = jnp.isin(jnp.arange(self.dataset.behaviour.classes), jnp.array(self.classes))
        outputs = network(inputs)
        return jnp.where(jnp.broadcast_to(chosen, outputs.shape), outputs, -jnp.inf)
