"""Pictures as fields: the images of any set, each to be held by one network."""

import dataclasses

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from netspace_jax.data.images import ImageSet, load_images
from netspace_jax.data.splits import Images, stratified
from netspace_jax.domain import Loaded
from netspace_jax.domains.fields.behaviour import Picture
from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.fields.dataset import PictureTruth, grid_data
from netspace_jax.errors import InputError

_ORDER = 0  # seed of the order of pixels and of pictures: changing it changes what results mean


def load_pictures(config: FieldZooConfig, count: int) -> Loaded:
    """Up to `count` pictures, in the splits that their set has; any first part of them has all splits in proportion.

    Raises:
      InputError: the set is missing or cannot be read, or too many pictures are asked for.
    """
    size = config.size * (2 // len(config.size)) if config.size else ()
    images = load_images(config.dataset, config.data_dir or None, size=size, labels_needed=False)
    if size and images.shape[:2] != size:
        raise InputError(
            f"--zoo.size resizes the pictures of a folder; those of {config.dataset} are files of one size"
        )
    images = _with_validation(images, config.held_pictures)
    names = ("train", "validation", "test")
    parts: tuple[Images, ...] = (images.train, images.validation, images.test)
    counts = [len(part.y) for part in parts]
    chosen = in_proportion(counts)[:count]
    pixels = np.concatenate([part.x for part in parts])[chosen]
    labels = np.concatenate([part.y for part in parts])[chosen]
    splits = np.repeat(np.array(names, object), counts)[chosen].tolist()
    rows = np.concatenate([np.arange(number) for number in counts])[chosen]
    height, width, channels = images.shape
    place = np.random.default_rng(_ORDER).permutation(height * width)
    truth = PictureTruth(jnp.asarray(labels) if images.classes > 1 else None, jnp.asarray(place), (height, width))
    data = grid_data(
        pixel_centres(height, width)[place][None],
        pixels.reshape(len(chosen), height * width, channels)[:, place],
        truth,
        Picture(channels=channels),
        batch=config.batch,
        scale=1 / 127.5,
        shift=-1.0,
    )
    items = tuple(f"{images.name}-{split}-{row:05d}" for split, row in zip(splits, rows.tolist(), strict=True))
    return Loaded(data, items, config, tuple(splits))


def pixel_centres(height: int, width: int) -> Float[np.ndarray, "pixel 2"]:
    """Row and column of each pixel's centre, row by row; a picture fills the square from -1 to 1."""
    axes = [(np.arange(size) + 0.5) / size * 2 - 1 for size in (height, width)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2).astype(np.float32)


def in_proportion(counts: list[int]) -> Int[np.ndarray, "n"]:
    """An order of the items of several groups, one after another, in which any first part has them in proportion."""
    rng = np.random.default_rng(_ORDER)
    place = np.concatenate([(rng.permutation(count) + 0.5) / max(count, 1) for count in counts])
    return np.argsort(place, kind="stable")


def _with_validation(images: ImageSet, count: int) -> ImageSet:
    """The set with `count` of its training and validation pictures for validation; 0 for those that it has."""
    if not count:
        return images
    x, y = (np.concatenate([getattr(part, name) for part in (images.train, images.validation)]) for name in "xy")
    if count >= len(y):
        raise InputError(f"--zoo.held-pictures {count} leaves none of the {len(y)} pictures of {images.name} to train")
    kept, held = stratified(y, count, _ORDER)
    return dataclasses.replace(images, train=Images(x[kept], y[kept]), validation=Images(x[held], y[held]))
