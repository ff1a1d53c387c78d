"""From the flags of zoos and spaces to images, and to how networks learn from them."""

import dataclasses

from netspace_jax.architectures import Architecture
from netspace_jax.data.images import ImageSet, load_images
from netspace_jax.domain import Loaded
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig
from netspace_jax.domains.images.dataset import Classification, ImageData, image_data
from netspace_jax.errors import InputError
from netspace_jax.population.network import Training
from netspace_jax.zoo import recipe


def load(config: ImageZooConfig) -> Loaded:
    """The images of a zoo.

    Raises:
      InputError: they are missing, cannot be read, or are too few for a batch.
    """
    images = normalised_by(load_images(config.dataset, config.data_dir or None), config.normalise)
    data = image_data(images, crop_padding=config.crop_padding, flip=config.flip, count=config.images)
    if config.batch > len(data.train.y):
        raise InputError(
            f"--zoo.batch {config.batch} is more than the {len(data.train.y)} training images of {images.name}"
        )
    return Loaded(data, ("",), config)


def normalised_by(images: ImageSet, normalise: tuple[float, ...]) -> ImageSet:
    """The images with another mean and standard deviation, where some are given: for all channels, or for each.

    Raises:
      InputError: there are neither two numbers nor two for each channel.
    """
    if not normalise:
        return images
    channels, half = images.shape[2], len(normalise) // 2
    if half not in (1, channels):
        raise InputError(
            f"--zoo.normalise has {len(normalise)} numbers: images of {channels} channels take a mean and a standard "
            f"deviation for all, or {channels} means and then {channels} standard deviations"
        )
    mean, std = normalise[:half] * (channels // half), normalise[half:] * (channels // half)
    return dataclasses.replace(images, mean=mean, std=std)


def behaviour_of(config: ImageNetSpaceConfig, behaviour: Classification) -> Classification:
    """The behaviour with the distillation that a space of this configuration imitates by."""
    return dataclasses.replace(behaviour, temperature=config.temperature, relative=config.relative)


def data_of(config: ImageNetSpaceConfig, data: ImageData) -> ImageData:
    """The images that a space of this configuration compares networks on in training."""
    return dataclasses.replace(data, mixed=config.mixed)


def training(architecture: Architecture, config: ImageZooConfig) -> Training:
    """How one classifier trains: on labelled batches, its products in the number format that is asked for."""
    return recipe(architecture, config, config.precision)
