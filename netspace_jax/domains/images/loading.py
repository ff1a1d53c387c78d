"""From the flags of zoos and spaces to images, and to how networks learn from them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from netspace_jax.architectures import Architecture
from netspace_jax.data.images import Images, ImageSet, block_means, image_set, load_images
from netspace_jax.dataset import Split
from netspace_jax.domain import Loaded
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig
from netspace_jax.domains.images.dataset import Classification, ImageData, image_data, on_device
from netspace_jax.domains.images.task_data import TaskImages, rows_of_classes
from netspace_jax.domains.images.task_folder import pools, read_sets
from netspace_jax.domains.images.tasks import (
    Drawn,
    drawn_classes,
    drawn_conditions,
    drawn_halves,
    drawn_names,
)
from netspace_jax.errors import InputError
from netspace_jax.population.network import Training
from netspace_jax.zoo import recipe
from netspace_jax.zoo.plan import splits_of

_SPLITS: tuple[Split, ...] = ("train", "validation", "test")


def load(config: ImageZooConfig) -> Loaded:
    """The images of a zoo, and its members' tasks where each has its own.

    Raises:
      InputError: they are missing, cannot be read, are too few for a batch, or tasks cannot be made of them.
    """
    if config.tasks == "sets":
        return _sets(config)
    images = _prepared(
        load_images(config.dataset, config.data_dir or None, size=(config.size,) * 2 if config.size else ()), config
    )
    data = image_data(
        images, crop_padding=config.crop_padding, flip=config.flip, count=config.images, held=config.held_images
    )
    if config.tasks == "one":
        _check_batch(config, len(data.train.y), images.name)
        return Loaded(data, ("",), config)
    count, classes = max(config.members), images.classes
    match config.tasks:
        case "conditions":
            drawn = drawn_conditions(config, count, images.shape[2], classes)
        case "labels":
            drawn = drawn_halves(config, count, classes)
        case "renamed":
            drawn = drawn_names(config, count, classes)
        case "some":
            drawn = drawn_classes(config, count, classes)
    return _tasks(config, data, drawn, task_splits(config, drawn.group))


def _tasks(
    config: ImageZooConfig,
    data: ImageData,
    drawn: Drawn,
    splits: tuple[str, ...],
    rows: Mapping[str, Int[np.ndarray, "task n"]] = {},
) -> Loaded:
    """Tasks made of images."""
    if drawn.labels is not None and (drawn.labels < 0).any():
        rows = {split: rows_of_classes(np.asarray(getattr(data, split).y), drawn.labels) for split in _SPLITS}
    tasks = TaskImages(
        images=data,
        training_tasks=jnp.asarray([number for number, split in enumerate(splits) if split == "train"], jnp.int32),
        conditions=drawn.conditions,
        labels=None if drawn.labels is None else jnp.asarray(drawn.labels),
        rows={split: jnp.asarray(table) for split, table in rows.items()},
        behaviour=dataclasses.replace(data.behaviour, classes=drawn.classes),
        items=len(drawn.names),
        jitter=config.jitter,
    )
    _check_batch(config, tasks.count("train"), "one task")
    return Loaded(tasks, drawn.names, config, splits)


def _sets(config: ImageZooConfig) -> Loaded:
    """The data sets of a folder as tasks, normalised by the training images of those that train a space."""
    sets = [one._replace(images=_sized(one.images, config, one.name)) for one in
            read_sets(config.dataset, max(config.members))]  # fmt: skip
    splits, parts = task_splits(config, np.arange(len(sets))), pools(sets)
    train = parts["train"]
    kept = np.unique(train.rows[[split == "train" for split in splits]])
    if not len(kept):
        raise InputError(f"{config.dataset}: none of its {len(sets)} data sets is left to train on: give more")
    known = Images(train.images.x[kept], train.images.y[kept])
    rest = parts["validation"].images, parts["test"].images
    images = image_set(Path(config.dataset).name, len(sets[0].classes), known, *rest)
    images = normalised_by(dataclasses.replace(images, train=train.images), config.normalise)
    data = on_device(images, crop_padding=config.crop_padding, flip=config.flip)
    drawn = Drawn(tuple(one.name for one in sets), np.arange(len(sets)), images.classes)
    data = dataclasses.replace(data, behaviour=dataclasses.replace(data.behaviour, class_names=sets[0].classes))
    return _tasks(config, data, drawn, splits, {split: part.rows for split, part in parts.items()})


def _sized(images: Images, config: ImageZooConfig, name: str) -> Images:
    return images._replace(x=block_means(images.x, config.size, name)) if config.size else images


def _prepared(images: ImageSet, config: ImageZooConfig) -> ImageSet:
    """The images in the size, and normalised, as a configuration says."""
    if config.size:
        parts = (_sized(part, config, images.name) for part in (images.train, images.validation, images.test))
        images = image_set(images.name, images.classes, *parts)
    return normalised_by(images, config.normalise)


def _check_batch(config: ImageZooConfig, count: int, name: str) -> None:
    if config.batch > count:
        raise InputError(f"--zoo.batch {config.batch} is more than the {count} training images of {name}")


def task_splits(config: ImageZooConfig, group: Int[np.ndarray, "task"]) -> tuple[str, ...]:
    """Split of each task, so that validation and test members have tasks that no training member has.

    Numbers of members that a configuration asks for become as many groups of tasks as have about as many members.
    """
    groups, members = int(group.max()) + 1, max(config.members)

    def of_groups(networks: int | float) -> int | float:
        return networks if networks < 1 else max(round(networks * groups / members), 1)

    name = config.architectures[0]
    one_each = dataclasses.replace(
        config,
        architectures=(name,),
        members=(groups,),
        validation=of_groups(config.validation),
        test=of_groups(config.test),
    )
    splits = splits_of(one_each, name)
    return tuple(splits[number] for number in group)


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


def data_of(config: ImageNetSpaceConfig, data: ImageData | TaskImages) -> ImageData | TaskImages:
    """The images that a space of this configuration reads networks by, and compares them on, in training."""
    if isinstance(data, ImageData):
        return dataclasses.replace(data, mixed=config.mixed)
    return kept(data, config.kept_inputs) if config.kept_inputs else data


def kept(data: TaskImages, count: int) -> TaskImages:
    """The same tasks with so many images of each split, other ones of each task."""

    def rows(split: Split) -> Int[Array, "task n"]:
        there = data.count(split)
        places = (count * jnp.arange(data.items)[:, None] + jnp.arange(min(count, there))[None]) % there
        return jnp.take_along_axis(data.rows[split], places, 1) if data.rows else places

    return dataclasses.replace(data, rows={split: rows(split) for split in _SPLITS})


def training(architecture: Architecture, config: ImageZooConfig) -> Training:
    """How one classifier trains: on labelled batches, its products in the number format that is asked for."""
    return recipe(architecture, config, config.precision)
