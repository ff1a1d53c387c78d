"""Image-classification sets by name, split and ready to train on (docs/data.md)."""

import dataclasses
from pathlib import Path
from typing import Any, cast

import numpy as np
from jaxtyping import UInt8

from netspace_jax.data import image_files, npz
from netspace_jax.data.splits import Images, Splits, stratified
from netspace_jax.errors import InputError

__all__ = ["ImageSet", "Images", "block_means", "image_set", "load_images"]

# Per channel, of pixels scaled to [0, 1]: what RGB images are normalised with (arXiv 2206.05194).
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_SEED = 0  # of every split that is drawn here: changing it changes what all results mean


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """Images of one classification set.

    Attributes:
      name: what it was loaded by; of a file, its name without the suffix.
      mean, std: mean and standard deviation of each channel, of pixels scaled to [0, 1], for normalising.
    """

    name: str
    classes: int
    train: Images
    validation: Images
    test: Images
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of one image."""
        return self.train.x.shape[1:]


def load_images(
    dataset: str, data_dir: str | None = None, *, size: tuple[int, ...] = (), labels_needed: bool = True
) -> ImageSet:
    """The image set called `dataset`.

    Args:
      dataset: `digits`; the path of a `.npz` or of a folder of images; or the name of a set that TensorFlow Datasets
        (TFDS) has prepared as array_record, with config and version where wanted (`name/config:version`).
      data_dir: where TFDS's sets lie; by default $TFDS_DATA_DIR or ~/tensorflow_datasets.
      size: height and width that the images of a folder are resized to.
      labels_needed: whether the images of files have to be of two classes or more.

    Raises:
      InputError: there is no such set, it is not prepared, or its images or labels cannot be used.
    """
    if dataset == "digits":
        return image_set("digits", *_digits())
    if dataset.endswith(".npz"):
        path = Path(dataset).expanduser()
        splits = npz.read(path, labels_needed)
        return image_set(path.stem, *_hold_out(dataset, splits, len(splits.train.y) // 6))
    folder = Path(dataset).expanduser()
    if folder.is_dir() and image_files.has_images(folder):
        splits = image_files.read_folder(folder, size)
        if labels_needed and splits.classes < 2:
            raise InputError(f"{dataset}: classes are folders of images in it, at least two; it has none")
        return image_set(folder.resolve().name, *_hold_out(dataset, splits, len(splits.train.y) // 6))
    if folder.is_file():
        raise InputError(f"{dataset}: images are read from .npz files and from folders of images (docs/data.md)")

    from netspace_jax.data import prepared  # here because importing TFDS takes a second that `digits` need not spend

    try:
        splits = prepared.read(dataset, data_dir)
    except InputError as error:
        if not Path(dataset).expanduser().is_dir():
            raise
        raise InputError(
            f"{dataset} is a folder without images ({', '.join(image_files.SUFFIXES)}) in it or in folders of classes; "
            "one that has a data set for each task is read by --zoo.tasks sets (docs/tasks.md)"
        ) from error
    count = len(splits.train.y)
    match prepared.base_name(dataset):
        case "cifar10":  # the last 10,000 of 50,000, in their official order
            kept = count - count // 5
            validation = Images(splits.train.x[kept:], splits.train.y[kept:])
            train = Images(splits.train.x[:kept], splits.train.y[:kept])
            return image_set(dataset, splits.classes, train, validation, splits.test)
        case "tiny_imagenet":  # 20,000 of 100,000
            return image_set(dataset, *_hold_out(dataset, splits, count // 5))
        case _:
            return image_set(dataset, *_hold_out(dataset, splits, count // 6))


def block_means(x: UInt8[np.ndarray, "n h w c"], size: int, name: str) -> UInt8[np.ndarray, "n size size c"]:
    """Images of size × size pixels, each the mean of a block.

    Raises:
      InputError: blocks do not divide the images of this name.
    """
    count, height, width, channels = x.shape
    if height % size or width % size:
        raise InputError(f"{name}: {height}×{width} pixels are no whole blocks of {size}×{size}; give another size")
    blocks = x.reshape(count, size, height // size, size, width // size, channels)
    return np.rint(blocks.mean((2, 4))).astype(np.uint8)


def _digits() -> tuple[int, Images, Images, Images]:
    """scikit-learn's 1,797 digits of 8×8: 1,197 to train, 300 to validate, 300 to test."""
    from sklearn.datasets import load_digits  # a second of imports that no other set needs

    digits = cast(Any, load_digits())
    x = np.round(digits.images * (255 / 16)).astype(np.uint8)[..., None]  # their 17 grey levels are 0 to 16
    y = digits.target.astype(np.int32)
    rest, test = stratified(y, 300, _SEED)
    train, validation, test = (
        Images(x[rows], y[rows]) for rows in (*(rest[rows] for rows in stratified(y[rest], 300, _SEED)), test)
    )
    return 10, train, validation, test


def _hold_out(dataset: str, splits: Splits, count: int) -> tuple[int, Images, Images, Images]:
    """Classes, train, validation and test, where `count` stratified training images validate if nothing else does."""
    train, validation = splits.train, splits.validation
    if validation is None:
        if count == 0:
            raise InputError(
                f"{dataset}: {len(train.y)} training images are too few to hold some out for validation; give more"
            )
        kept, held = stratified(train.y, count, _SEED)
        train, validation = (Images(train.x[rows], train.y[rows]) for rows in (kept, held))
    return splits.classes, train, validation, splits.test


def image_set(name: str, classes: int, train: Images, validation: Images, test: Images) -> ImageSet:
    """Images with what they are normalised by: ImageNet's statistics, or of grey ones those of the training images.

    Raises:
      InputError: all pixels are the same.
    """
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    if train.x.shape[3] != 3:
        mean, std = _statistics(train.x)
        if not all(std):
            raise InputError(f"{name}: all pixels of the training images are the same; give images to tell apart")
    return ImageSet(name, classes, train, validation, test, mean, std)


def _statistics(x: UInt8[np.ndarray, "n h w c"]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel of pixels scaled to [0, 1], from how often each value occurs."""
    levels = np.arange(256) / 255
    shares = [np.bincount(channel.ravel(), minlength=256) / channel.size for channel in np.moveaxis(x, 3, 0)]
    means = [float(share @ levels) for share in shares]
    stds = [float(np.sqrt(share @ (levels - mean) ** 2)) for share, mean in zip(shares, means, strict=True)]
    return tuple(means), tuple(stds)
