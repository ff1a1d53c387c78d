"""Generated networks as the initialisation for another task, against random ones and members (transfer learning)."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import cast

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.config import SearchConfig
from netspace_jax.data.images import Images, load_images
from netspace_jax.domains.images.config import ImageZooConfig
from netspace_jax.domains.images.dataset import ImageData, LabelledImages, image_data
from netspace_jax.errors import InputError
from netspace_jax.latent import Fit
from netspace_jax.metrics.outputs import scores_of
from netspace_jax.report import Section
from netspace_jax.report.words import relation
from netspace_jax.rules import Natural
from netspace_jax.runs import Run
from netspace_jax.space.search import fine_tune

NETWORKS = 16
_BATCH = 64
_SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class TransferOptions:
    """What generated networks are an initialisation for."""

    dataset: str = ""
    """Other images, beside the run's own turned and renamed: a name or a .npz, as for train.py; they are resized."""
    epochs: tuple[Natural, ...] = (0, 1, 5, 20)
    """Epochs that each initialisation is trained for, each number on its own."""


def turned(dataset: ImageData) -> ImageData:
    """The same images, a quarter turned: what a network has learned of strokes is of use, what it says is not."""
    return _changed(dataset, lambda images: dataclasses.replace(images, x=jnp.rot90(images.x, axes=(1, 2))))


def renamed(dataset: ImageData) -> ImageData:
    """The same images with other labels: class c is now called c + 1, so that only the features can carry over."""
    classes = dataset.behaviour.classes
    return _changed(dataset, lambda images: dataclasses.replace(images, y=(images.y + 1) % classes))


def _changed(dataset: ImageData, change: Callable[[LabelledImages], LabelledImages]) -> ImageData:
    """The dataset with every split changed."""
    return dataclasses.replace(dataset, **{split: change(getattr(dataset, split)) for split in _SPLITS})


def other_images(dataset: ImageData, name: str, data_dir: str | None = None) -> ImageData:
    """Another set of images, brought to the size that the networks take.

    Raises:
      InputError: the set has other channels or another number of classes, or cannot be loaded.
    """
    from skimage.transform import resize  # takes half a second to import

    other, classes = load_images(name, data_dir), dataset.behaviour.classes
    height, width, channels = dataset.behaviour.input_shape
    if other.train.x.shape[-1] != channels or other.classes != classes:
        raise InputError(
            f"{name} has {other.classes} classes and {other.train.x.shape[-1]} channels; networks of this run are for "
            f"{classes} and {channels}"
        )

    def resized(images: Images) -> Images:
        if images.x.shape[1:3] == (height, width):
            return images
        x = resize(images.x, (len(images.x), height, width, channels), anti_aliasing=True, preserve_range=True)
        return Images(np.rint(np.asarray(x)).astype(np.uint8), images.y)

    splits = {split: resized(getattr(other, split)) for split in _SPLITS}
    return image_data(dataclasses.replace(other, **splits), crop_padding=dataset.crop_padding, flip=dataset.flip)


def transfer(run: Run[ImageData], options: TransferOptions) -> Section:
    """An initialisation for another task: generated networks against members and random ones, trained on other images.

    Raises:
      InputError: the other images do not fit the networks, or a number of epochs is negative.
    """
    epochs = options.epochs
    if not epochs or min(epochs) < 0:
        raise InputError(f"--epochs takes numbers from 0 on, not {' '.join(map(str, epochs)) or 'none'}")
    architecture_id, metric = run.trained_ids[0], run.metric.title
    architecture, members = run.space.architectures[architecture_id], run.networks(architecture_id, "test")
    order = members.best_first[:NETWORKS]
    keys = jax.random.split(jax.random.key(0), len(order))
    starts = {
        "generated": run.reconstruction(architecture_id, "test").generated[order],
        "member": members.parameters[order],
        "random": jax.jit(jax.vmap(lambda key: architecture.finish(architecture.init(key))))(keys),
    }
    metrics, rows, tasks = {}, [], _tasks(run, options.dataset)
    for name, dataset in tasks.items():
        for label, flats in starts.items():
            means = [_score_after(count, architecture, dataset, jnp.asarray(flats)) for count in epochs]
            metrics |= {f"transfer/{name}_{label}_{count}": mean for count, mean in zip(epochs, means, strict=True)}
            rows.append((name, label, *(f"{mean:.3f}" for mean in means)))
    others = f", or on {options.dataset}" if options.dataset else ""
    text = (
        f"The {len(order)} best test members by validation, the networks generated from them, and as many random "
        f"initialisations, trained on the task's images a quarter turned, or with every class called by the next one's "
        f"name{others}: mean test {metric} after so many epochs of Adam, whose learning rate falls from 1e-3 to 1e-5 "
        "along a cosine over just these. Random ones are at the disadvantage of having seen no images at all."
    )
    for name in tasks:
        last = epochs[-1]
        generated, member, random = (metrics[f"transfer/{name}_{label}_{last}"] for label in starts)
        text += (
            f" {name}, after {last} epochs: from generated networks {generated:.3f}; beside that from members it is "
            f"{relation(generated, member)}, beside that from random ones {relation(generated, random)}."
        )
    header = ("task", "initialisation", *(f"{count} epochs" for count in epochs))
    return Section("transfer", "An initialisation for another task", text, metrics, None, (header, *rows))


def _score_after(
    epochs: int, architecture: Architecture, dataset: ImageData, flats: Float[Array, "network size"]
) -> float:
    """Mean test score of networks after some epochs of training."""
    if epochs:
        steps = epochs * max(len(dataset.train.y) // _BATCH, 1)
        config = SearchConfig(steps=steps, learning_rate=1e-3, validations=1)
        flats = fine_tune(architecture, Fit(dataset, _BATCH), flats, config).last
    return float(scores_of(dataset, architecture, flats).mean())


def _tasks(run: Run[ImageData], other: str) -> dict[str, ImageData]:
    tasks = {"turned": turned(run.dataset), "renamed": renamed(run.dataset)}
    if other:
        data_dir = cast(ImageZooConfig, run.config.zoo).data_dir or None
        tasks[f"other_{Path(other).stem}"] = other_images(run.dataset, other, data_dir)
    return tasks
