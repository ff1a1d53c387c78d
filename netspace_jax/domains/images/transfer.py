"""Generated networks as a start for another task, against random starts and members (as in transfer learning)."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from skimage.transform import resize

from netspace_jax.config import START_EPOCHS, SearchConfig
from netspace_jax.data.images import Images, load_images
from netspace_jax.domains.images.dataset import Classification, LabelledImages, classification
from netspace_jax.errors import InputError
from netspace_jax.latent import search as latent
from netspace_jax.latent.objectives import Labels
from netspace_jax.report.section import Section, reconstruct_split
from netspace_jax.runs.pipeline import Trained
from netspace_jax.space.behaviour import score_networks

NETWORKS = 16
_BATCH = 64


def turned(task: Classification) -> Classification:
    """The same images, a quarter turned: what a network has learned of strokes is of use, what it says is not."""
    def turn(images: LabelledImages) -> LabelledImages:
        return images.replace(x=jnp.rot90(images.x, axes=(1, 2)))

    return task.replace(train=turn(task.train), validation=turn(task.validation), test=turn(task.test))


def renamed(task: Classification) -> Classification:
    """The same images with other labels: class c is now called c + 1, so that only the features can carry over."""
    def rename(images: LabelledImages) -> LabelledImages:
        return images.replace(y=(images.y + 1) % task.classes)

    return task.replace(train=rename(task.train), validation=rename(task.validation), test=rename(task.test))


def other_images(task: Classification, dataset: str, data_dir: str | None = None) -> Classification:
    """Another set of images, brought to the size that the networks take.

    Raises:
      InputError: the set has other channels or another number of classes, or cannot be loaded.
    """
    found = load_images(dataset, data_dir)
    height, width, channels = task.input_shape
    if found.train.x.shape[-1] != channels or found.classes != task.classes:
        raise InputError(f"{dataset} has {found.classes} classes and {found.train.x.shape[-1]} channels; networks of this run are for "
                         f"{task.classes} and {channels}")

    def brought(images: Images) -> Images:
        if images.x.shape[1:3] == (height, width):
            return images
        x = resize(images.x, (len(images.x), height, width, channels), anti_aliasing=True, preserve_range=True)
        return Images(np.rint(x).astype(np.uint8), images.y)

    return classification(dataclasses.replace(found, train=brought(found.train), validation=brought(found.validation), test=brought(found.test)),
                          task.crop_padding, task.flip)


def start(trained: Trained, dataset: str = "", epochs: Sequence[int] = START_EPOCHS) -> Section:
    """Test accuracy on other tasks at the end of some epochs of Adam, from generated networks, members and random starts.

    Args:
      dataset: other images to learn, beside the run's own turned and renamed.
      epochs: for how long, each number on its own.

    Raises:
      InputError: the other images do not fit the networks, or a number of epochs is negative.
    """
    if not epochs or min(epochs) < 0:
        raise InputError(f"--epochs takes numbers from 0 on, not {' '.join(map(str, epochs)) or 'none'}")
    kind, metric = 0, trained.task.metric
    architecture, members = trained.netspace.architectures[kind], trained.networks(kind, "test")
    order = members.by_merit[:NETWORKS]
    keys = jax.random.split(jax.random.key(0), len(order))
    starts = {"generated": reconstruct_split(trained, kind, "test").generated[order],
              "member": members.parameters[order],
              "random": jax.jit(jax.vmap(lambda key: architecture.finish(architecture.init(key))))(keys)}
    metrics, rows = {}, []
    tasks = {"turned": turned(trained.task), "renamed": renamed(trained.task)}
    if dataset:
        tasks[f"other_{Path(dataset).stem}"] = other_images(trained.task, dataset, trained.config.zoo.data_dir or None)
    for name, task in tasks.items():
        epoch = max(len(task.train.y) // _BATCH, 1)
        for label, flats in starts.items():
            scores = []
            for count in epochs:
                flats_now = jnp.asarray(flats)
                if count:
                    config = SearchConfig(steps=count * epoch, learning_rate=1e-3, looks=1)
                    flats_now = latent.fine_tune(architecture, Labels(task, _BATCH), flats_now, config).last
                scores.append(score_networks(architecture, flats_now, task, np.zeros(len(order), np.int32), "test"))
                metrics[f"start/{name}_{label}_{count}"] = float(scores[-1].mean())
            rows.append((name, label, *(f"{values.mean():.3f}" for values in scores)))
    others = f", or on {dataset}" if dataset else ""
    text = (f"The {len(order)} best test members by validation, the networks generated from them, and as many random starts, trained "
            f"on the task's images a quarter turned, or with every class called by the next one's name{others}: mean test {metric} "
            "after so many epochs of Adam, whose learning rate falls from 1e-3 to 1e-5 along a cosine over just these. Random starts are at the disadvantage of having seen no images at all.")
    return Section("start", "A start for another task", text, metrics, None,
                   (("task", "start", *(f"{count} epochs" for count in epochs)), *rows))
