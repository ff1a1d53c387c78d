"""Image classification: networks are compared by distillation (docs/method.md, Imitation loss)."""

import dataclasses
from typing import Any, ClassVar

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int, PRNGKeyArray, Shaped, UInt8

from netspace_jax.behaviour import Metric, register_behaviour
from netspace_jax.classes import ClassAnswers
from netspace_jax.data.augment import augment, mix, normalise
from netspace_jax.data.images import Images, ImageSet
from netspace_jax.dataset import Batch, Split, SupervisedDataset
from netspace_jax.errors import InputError
from netspace_jax.ops.shuffle import batch_of_epoch


@register_behaviour
@dataclasses.dataclass(frozen=True)
class Classification(ClassAnswers):
    """What classifiers of images compute: one logit for each class.

    Attributes:
      input_shape: height, width and channels of an image.
      relative: weight of a second distillation, at a temperature of each network's own.
      class_names: what the classes are called, where they are not called by their numbers.
    """

    input_shape: tuple[int, ...]
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    temperature: float = 1.0
    relative: float = 0.0
    class_names: tuple[str, ...] = ()
    name: ClassVar[str] = "classification"
    metric: ClassVar[Metric] = Metric("accuracy", agreement="predict the same class")

    inputs_in_words: ClassVar[str] = "pixels divided by 255"

    @property
    def normalisation(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and standard deviation of each channel."""
        return self.mean, self.std

    def prepare(self, inputs: Shaped[Any, "n h w c"]) -> Float[Array, "n h w c"]:
        """uint8 pixels normalised, or floats that are normalised already, as they are.

        Raises:
          InputError: they are of another shape, or floats that look like pixels.
        """
        if tuple(inputs.shape[1:]) != self.input_shape:
            raise InputError(
                f"images have shape {tuple(inputs.shape)}; "
                f"these networks take (n, {', '.join(map(str, self.input_shape))})"
            )
        if inputs.dtype == np.uint8:
            return normalise(inputs, self.mean, self.std)
        inputs = jnp.asarray(inputs, jnp.float32)
        traced = isinstance(inputs, Tracer)  # values are not known then
        if inputs.size and not traced and float(inputs.min()) >= 0 and float(inputs.max()) > 0:
            raise InputError(
                f"images are floats from {float(inputs.min()):g} to {float(inputs.max()):g}, none negative, so they "
                f"are not normalised: give uint8 pixels, or (pixels / 255 − {self.mean}) / {self.std}"
            )
        return inputs


@flax.struct.dataclass
class LabelledImages:
    """Images of one split on the device."""

    x: UInt8[Array, "n h w c"]
    y: Int[Array, "n"]


@flax.struct.dataclass
class ImageData(SupervisedDataset):
    """A set of labelled images on the device; every network sees the same ones.

    Attributes:
      mixed: share of a batch, and of the probes, that are mixtures of two training images. A mixture has the label of
        the first.
    """

    train: LabelledImages
    validation: LabelledImages
    test: LabelledImages
    behaviour: Classification = flax.struct.field(pytree_node=False)
    crop_padding: int = flax.struct.field(pytree_node=False, default=0)
    flip: bool = flax.struct.field(pytree_node=False, default=False)
    mixed: float = flax.struct.field(pytree_node=False, default=0.0)
    items: int = flax.struct.field(pytree_node=False, default=1)

    def of(self, member: Int[Array, ""] | int) -> "ImageData":
        """The same images for every network."""
        del member
        return self

    def sample(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> Batch:
        """`size` training images: an epoch goes once through all (but the last incomplete batch), in a new order each.

        All of them, where there are fewer.
        """
        return self.take(self.draw(key, step, size))

    def draw(self, key: PRNGKeyArray, step: Int[Array, ""], size: int) -> tuple[Int[Array, "batch"], Array]:
        """Which images a batch is of, and the words of the key of what is done to them."""
        order_key, augment_key = jax.random.split(key)
        chosen = batch_of_epoch(order_key, step, size, len(self.train.y))
        return chosen, jax.random.key_data(jax.random.fold_in(augment_key, step))

    def take(self, drawn: tuple[Int[Array, "batch"], Array]) -> Batch:
        """The images that were drawn, augmented."""
        chosen, words = drawn
        key = jax.random.wrap_key_data(words)
        x = self._normalised(augment(key, self.train.x[chosen], self.crop_padding, self.flip))
        count = round(self.mixed * len(chosen))
        if count:
            others = jax.random.randint(jax.random.fold_in(key, 1), (count,), 0, len(self.train.y))
            mixtures = mix(jax.random.fold_in(key, 2), x[:count], self._normalised(self.train.x[others]))
            x = x.at[:count].set(mixtures)
        return Batch(x, self.train.y[chosen])

    def examples(self, split: Split) -> Batch:
        """All images of a split, normalised."""
        images = getattr(self, split)
        return Batch(self._normalised(images.x), images.y)

    def probes(self, count: int) -> Float[Array, "probe h w c"]:
        """The first training images, cycled if there are too few; `mixed` of them halfway to one further on."""
        numbers, images = np.arange(count), len(self.train.x)
        x = self._normalised(self.train.x[numbers % images])
        mixtures = np.flatnonzero(np.floor((numbers + 1) * self.mixed) > np.floor(numbers * self.mixed))
        if not len(mixtures):
            return x
        others = self._normalised(self.train.x[(mixtures + images // 2) % images])
        return x.at[mixtures].set((x[mixtures] + others) / 2)

    def chance(self, split: Split) -> float:
        """Accuracy of always naming the commonest class."""
        counts = np.bincount(np.asarray(getattr(self, split).y))
        return float(counts.max() / counts.sum())

    def _normalised(self, x: UInt8[Array, "*batch h w c"]) -> Float[Array, "*batch h w c"]:
        return normalise(x, self.behaviour.mean, self.behaviour.std)


def image_data(
    images: ImageSet, *, crop_padding: int = 0, flip: bool = False, count: int = 0, held: int = 0
) -> ImageData:
    """Put a set of images on the device. Training images are put in a fixed random order, so that probes are mixed.

    Args:
      count: images of each split to use, drawn once; 0 for all.
      held: of the validation and of the test split, where these have another number.
    """

    def drawn(split, some):
        return np.random.default_rng(0).permutation(len(split.y))[: some or None]

    def kept(split):
        return np.sort(drawn(split, held or count))

    orders = {
        "train": drawn(images.train, count),
        "validation": kept(images.validation),
        "test": kept(images.test),
    }
    parts = {name: Images(*(array[order] for array in getattr(images, name))) for name, order in orders.items()}
    return on_device(dataclasses.replace(images, **parts), crop_padding=crop_padding, flip=flip)


def on_device(images: ImageSet, *, crop_padding: int = 0, flip: bool = False) -> ImageData:
    """Put a set of images on the device in their order."""
    behaviour = Classification(tuple(images.shape), images.classes, tuple(images.mean), tuple(images.std))
    train, validation, test = (
        LabelledImages(jnp.asarray(part.x), jnp.asarray(part.y))
        for part in (images.train, images.validation, images.test)
    )
    return ImageData(train, validation, test, behaviour, crop_padding, flip)
