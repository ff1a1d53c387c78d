"""The domain of networks that classify images."""

import dataclasses

from netspace_jax.architectures import Architecture
from netspace_jax.config import SearchConfig
from netspace_jax.data.images import ImageSet, load_images
from netspace_jax.domain import Domain, Loaded
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig, check
from netspace_jax.domains.images.dataset import Classification, ImageData, image_data
from netspace_jax.domains.images.ensemble import ensemble
from netspace_jax.domains.images.explorer import view
from netspace_jax.domains.images.interpolation import interpolation
from netspace_jax.domains.images.novelty import novelty
from netspace_jax.domains.images.prediction import prediction
from netspace_jax.domains.images.presets import PRESETS
from netspace_jax.domains.images.readings import readings
from netspace_jax.domains.images.redundancy import RedundancyOptions, redundancy
from netspace_jax.domains.images.search import search, search_architectures
from netspace_jax.domains.images.strangers import StrangersOptions, strangers
from netspace_jax.domains.images.transfer import TransferOptions, transfer
from netspace_jax.errors import InputError
from netspace_jax.population.network import Training
from netspace_jax.report import Evaluation, architectures
from netspace_jax.report.section import several_architectures
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
    """The task with the distillation that a space of this configuration imitates by."""
    return dataclasses.replace(behaviour, temperature=config.temperature, relative=config.relative)


def data_of(config: ImageNetSpaceConfig, data: ImageData) -> ImageData:
    """The images that a space of this configuration compares networks on in training."""
    return dataclasses.replace(data, mixed=config.mixed)


def training(architecture: Architecture, config: ImageZooConfig) -> Training:
    """How one classifier trains: on labelled batches, its products in the number format that is asked for."""
    return recipe(architecture, config, config.precision)


DOMAIN = Domain(
    name="images",
    zoo_config=ImageZooConfig,
    netspace_config=ImageNetSpaceConfig,
    load=load,
    presets=PRESETS,
    evaluations=(
        Evaluation("interpolate", interpolation, question="Do the networks between two networks work?"),
        *architectures.EVALUATIONS,
        Evaluation("prediction", prediction, question="How good is a network, from its embedding alone?"),
        Evaluation("ensemble", ensemble, question="Are networks together better than alone?"),
        Evaluation("novelty", novelty, question="Are the generated networks new, or copies?"),
        Evaluation("search", search, in_report=False, options=SearchConfig),
        Evaluation(
            "search_architectures",
            search_architectures,
            in_report=False,
            applies=several_architectures,
            options=SearchConfig,
        ),
        Evaluation("transfer", transfer, in_report=False, options=TransferOptions),
        Evaluation("strangers", strangers, in_report=False, options=StrangersOptions),
        Evaluation("redundancy", redundancy, in_report=False, options=RedundancyOptions),
    ),
    behaviour_of=behaviour_of,
    data_of=data_of,
    check=check,
    training=training,
    data_flags=("dataset", "data_dir", "images", "normalise"),
    readings=readings,
    view=view,
)
