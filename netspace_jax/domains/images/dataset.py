"""Image classification: networks are compared by distillation (reference, section Training the embedding)."""

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt8

from netspace_jax.data.augment import augment, normalise
from netspace_jax.data.images import ImageSet
from netspace_jax.ops.shuffle import shuffled
from netspace_jax.task import Batch, Split


@flax.struct.dataclass
class LabelledImages:
    """Images of one split on the device."""

    x: UInt8[Array, "n h w c"]
    y: Int[Array, "n"]


@flax.struct.dataclass
class Classification:
    """The task of a set of labelled images; every network sees the same ones, so batches are shared."""

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    classes: int = flax.struct.field(pytree_node=False)
    mean: tuple[float, ...] = flax.struct.field(pytree_node=False)
    deviation: tuple[float, ...] = flax.struct.field(pytree_node=False)
    crop_padding: int = flax.struct.field(pytree_node=False)
    flip: bool = flax.struct.field(pytree_node=False)
    metric: str = flax.struct.field(pytree_node=False, default="accuracy")
    batch_axis: None = flax.struct.field(pytree_node=False, default=None)
    items: int = flax.struct.field(pytree_node=False, default=1)

    @property
    def input_shape(self) -> tuple[int, ...]:
        return tuple(self.train.x.shape[1:])

    @property
    def outputs(self) -> int:
        return self.classes

    def sample(self, key: PRNGKeyArray, item: Int[Array, ""], step: Int[Array, ""], size: int) -> Batch:
        """`size` training images: an epoch goes once through all (but the last incomplete batch), in a new order each.

        All of them, where there are fewer.
        """
        del item
        order_key, augment_key = jax.random.split(key)
        count = len(self.train.y)
        size = min(size, count)
        epoch, batch = jnp.divmod(step, count // size)
        chosen = shuffled(jax.random.fold_in(order_key, epoch), batch * size + jnp.arange(size), count)
        x = augment(jax.random.fold_in(augment_key, step), self.train.x[chosen], self.crop_padding, self.flip)
        return Batch(normalise(x, self.mean, self.deviation), self.train.y[chosen])

    def examples(self, split: Split, item: Int[Array, ""]) -> Batch:
        """All images of a split, normalised."""
        del item
        images = getattr(self, split)
        return Batch(normalise(images.x, self.mean, self.deviation), images.y)

    def probes(self, count: int) -> Float[Array, "probe h w c"]:
        """The first training images, cycled if there are too few."""
        return normalise(self.train.x[np.arange(count) % len(self.train.x)], self.mean, self.deviation)

    def describe(self, outputs: Float[Array, "probe classes"]) -> Float[Array, "features"]:
        """Logits brought to one scale, the scale of each probe's, and the probabilities.

        A network that trained briefly has logits a hundred times smaller than one that trained long; without a common
        scale the encoder cannot tell the brief ones apart.
        """
        centred = outputs - outputs.mean(-1, keepdims=True)
        spread = jnp.sqrt(jnp.square(centred).mean()) + 1e-6
        each = 0.5 * jnp.log(jnp.square(centred).mean(-1) + 1e-6)
        return jnp.concatenate([(centred / spread).reshape(-1), each, jax.nn.softmax(outputs).reshape(-1)])

    def fit_loss(self, outputs: Float[Array, "batch classes"], targets: Int[Array, "batch"]) -> Float[Array, ""]:
        """Cross-entropy, averaged over images."""
        log_p = jax.nn.log_softmax(outputs)
        return -jnp.take_along_axis(log_p, targets[:, None], axis=1).mean()

    def imitation_loss(self, wanted: Float[Array, "batch classes"], outputs: Float[Array, "batch classes"],
                       temperature: float) -> Float[Array, ""]:
        """T²·KL(softmax(wanted/T) ‖ softmax(outputs/T)), summed over classes, averaged over images."""
        return distillation(wanted, outputs, temperature)

    def score(self, outputs: Float[Array, "batch classes"], targets: Int[Array, "batch"]) -> Float[Array, ""]:
        """Accuracy."""
        return (outputs.argmax(-1) == targets).mean()

    def agreement(self, wanted: Float[Array, "batch classes"], outputs: Float[Array, "batch classes"]) -> Float[Array, ""]:
        """Share of images on which two networks predict the same class."""
        return (wanted.argmax(-1) == outputs.argmax(-1)).mean()


def distillation(teacher: Float[Array, "batch classes"], student: Float[Array, "batch classes"],
                 temperature: float) -> Float[Array, ""]:
    """KD(t, s) = T²·KL(softmax(t/T) ‖ softmax(s/T)) (Hinton et al. 2015; reference, section Training the embedding)."""
    log_t, log_s = jax.nn.log_softmax(teacher / temperature), jax.nn.log_softmax(student / temperature)
    return temperature ** 2 * (jnp.exp(log_t) * (log_t - log_s)).sum(-1).mean()


def classification(images: ImageSet, crop_padding: int, flip: bool, count: int = 0) -> Classification:
    """Put a set of images on the device. Training images are put in a fixed random order, so that probes are mixed.

    Args:
      count: images of each split to use, drawn once; 0 for all.
    """
    def on_device(split, order):
        return LabelledImages(jnp.asarray(split.x[order]), jnp.asarray(split.y[order]))

    def drawn(split):
        return np.random.default_rng(0).permutation(len(split.y))[:count or None]

    def kept(split):
        return np.sort(drawn(split))

    return Classification(on_device(images.train, drawn(images.train)), on_device(images.validation, kept(images.validation)),
                          on_device(images.test, kept(images.test)), images.classes, images.mean, images.deviation, crop_padding, flip)
