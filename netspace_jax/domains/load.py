"""From a configuration to the task that its networks are for."""

import dataclasses
from typing import NamedTuple

from netspace_jax.config import ZooConfig
from netspace_jax.data.images import load_images
from netspace_jax.domains.fields.dataset import fields
from netspace_jax.domains.fields.sampling import load_shapes
from netspace_jax.domains.images.dataset import classification
from netspace_jax.errors import InputError
from netspace_jax.task import Task


class Loaded(NamedTuple):
    """A task with its data on the device.

    Attributes:
      items: name of each item that networks are about (a shape); one empty name for images.
      config: the zoo's configuration, with as many members as there are shapes where it asked for more.
    """

    task: Task
    items: tuple[str, ...]
    config: ZooConfig


def load_task(config: ZooConfig) -> Loaded:
    """The task that the networks of a zoo are for.

    Raises:
      InputError: the data is missing, cannot be read, or is too small for a batch.
    """
    if not config.dataset:
        raise InputError("this preset needs data of yours: --dataset FOLDER")
    if config.task == "fields":
        shapes = load_shapes(config.dataset, config.members[0], config.seed, config.points)
        if config.batch > 2 * shapes.positive.shape[1]:
            raise InputError(f"--zoo.batch {config.batch} is more than the {2 * shapes.positive.shape[1]} points of a shape: "
                             f"raise --zoo.points")
        members = tuple(min(count, len(shapes.names)) for count in config.members)
        return Loaded(fields(shapes), shapes.names, dataclasses.replace(config, members=members))
    images = load_images(config.dataset, config.data_dir or None)
    task = classification(images, config.crop_padding, config.flip, config.images)
    if config.batch > len(task.train.y):
        raise InputError(f"--zoo.batch {config.batch} is more than the {len(task.train.y)} training images of {images.name}")
    return Loaded(task, ("",), config)
