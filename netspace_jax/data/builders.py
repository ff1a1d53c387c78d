"""TFDS builders that need no TensorFlow: they read the official archives and write array_record.

TFDS's own builders of these sets read through `tf.io.gfile`. Ours have the same names, their own version number, and
keep the official order of the images. `netspace_jax.data.prepare` runs them and passes the archives.
"""

import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from netspace_jax.data import formats

Example = tuple[int, dict[str, Any]]


class _Info(tfds.core.DatasetInfo):
    """Facts of a set that is in no one's bucket."""

    def initialize_from_bucket(self) -> None:
        """Nothing: TFDS would look online for facts of an old set of its own with our name and version."""


class _Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """What the builders share: `archives` are paths by official file name, needed for preparing alone."""

    VERSION = tfds.core.Version("1.0.0")
    DESCRIPTION: str
    HOMEPAGE: str
    SHAPE: tuple[int, int, int]

    def __init__(self, *, archives: Mapping[str, Path] | None = None, **kwargs):
        self._archives = archives
        super().__init__(file_format="array_record", **kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        return _Info(
            builder=self,
            description=self.DESCRIPTION,
            homepage=self.HOMEPAGE,
            features=tfds.features.FeaturesDict({"image": tfds.features.Image(shape=self.SHAPE),
                                                 "label": tfds.features.ClassLabel()}),
            supervised_keys=("image", "label"),
            disable_shuffling=True,
        )


def _examples(images, labels) -> Iterator[Example]:
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield row, {"image": io.BytesIO(formats.png(image)), "label": int(label)}


class Cifar10(_Builder, skip_registration=True):
    """CIFAR-10 from its binary version."""

    DESCRIPTION = "CIFAR-10: 32×32 colour images of ten kinds of things."
    HOMEPAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"
    SHAPE = (32, 32, 3)

    def _split_generators(self, dl_manager) -> dict[str, Iterator[Example]]:
        names, splits = formats.read_cifar10(self._archives["cifar-10-binary.tar.gz"])
        self.info.features["label"].names = names
        return {split: self._generate_examples(*images) for split, images in splits.items()}

    def _generate_examples(self, images, labels) -> Iterator[Example]:
        return _examples(images, labels)


class Mnist(_Builder, skip_registration=True):
    """MNIST from its four IDX files."""

    DESCRIPTION = "MNIST: 28×28 grey images of handwritten digits."
    HOMEPAGE = "http://yann.lecun.com/exdb/mnist/"
    SHAPE = (28, 28, 1)
    NAMES: tuple[str, ...] = tuple("0123456789")

    def _split_generators(self, dl_manager) -> dict[str, Iterator[Example]]:
        self.info.features["label"].names = self.NAMES
        return {split: self._generate_examples(*formats.read_idx(self._archives[f"{prefix}-images-idx3-ubyte.gz"],
                                                                 self._archives[f"{prefix}-labels-idx1-ubyte.gz"],
                                                                 self.SHAPE[:2], len(self.NAMES)))
                for split, prefix in (("train", "train"), ("test", "t10k"))}

    def _generate_examples(self, images, labels) -> Iterator[Example]:
        return _examples(images, labels)


class FashionMnist(Mnist, skip_registration=True):
    """Fashion-MNIST from its four IDX files."""

    DESCRIPTION = "Fashion-MNIST: 28×28 grey images of clothes."
    HOMEPAGE = "https://github.com/zalandoresearch/fashion-mnist"
    NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


class Kmnist(Mnist, skip_registration=True):
    """Kuzushiji-MNIST from its four IDX files."""

    DESCRIPTION = "Kuzushiji-MNIST: 28×28 grey images of cursive Japanese."
    HOMEPAGE = "http://codh.rois.ac.jp/kmnist/index.html.en"
    NAMES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")


class TinyImagenet(_Builder, skip_registration=True):
    """Tiny-ImageNet from its zip; the official test images have no labels and are left out."""

    DESCRIPTION = "Tiny-ImageNet: 64×64 colour images of 200 kinds of things."
    HOMEPAGE = "http://cs231n.stanford.edu/"
    SHAPE = (64, 64, 3)

    def _split_generators(self, dl_manager) -> dict[str, Iterator[Example]]:
        path = self._archives["tiny-imagenet-200.zip"]
        self.info.features["label"].names, splits = formats.tiny_imagenet_index(path)
        return {split: self._generate_examples(formats.tiny_imagenet_images(path, members, self.SHAPE[:2]))
                for split, members in splits.items()}

    def _generate_examples(self, images) -> Iterator[Example]:
        for row, (content, label) in enumerate(images):
            yield row, {"image": io.BytesIO(content), "label": label}


BUILDERS: dict[str, type[_Builder]] = {builder.name: builder
                                       for builder in (Cifar10, FashionMnist, Kmnist, Mnist, TinyImagenet)}
