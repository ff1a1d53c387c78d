"""What a search among classifiers of images is for, beside doing well by the labels (`netspace_jax.latent.Fit`)."""

import dataclasses

import flax.struct
from jaxtyping import Array, Float, Int, PRNGKeyArray

from netspace_jax.architectures import Architecture
from netspace_jax.behaviour import RunNetwork, evaluation_key
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
    label_weight: float = flax.struct.field(pytree_node=False, default=0.1)
    batch: int = flax.struct.field(pytree_node=False, default=128)

    def loss(self, network: RunNetwork, key: PRNGKeyArray, step: Int[Array, ""]) -> Float[Array, ""]:
        """(1 − label_weight)·KL(teacher ‖ network) + label_weight·cross-entropy, the KL without its factor T²."""
        behaviour = dataclasses.replace(self.dataset.behaviour, temperature=self.temperature)
        batch = self.dataset.sample(key, step, self.batch)
        outputs, targets = network(batch.inputs), self.teacher.apply(self.flat, batch.inputs)
        imitation = behaviour.imitation_loss(targets, outputs) / self.temperature**2
        return (1 - self.label_weight) * imitation + self.label_weight * behaviour.fit_loss(outputs, batch.targets)

    def score(self, network: RunNetwork) -> Float[Array, ""]:
        """Accuracy on validation images."""
        return self.dataset.score(network, evaluation_key(), "validation")
