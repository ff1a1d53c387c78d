"""How classifiers of images are shown in the explorer: drawn digits, test images, votes of the neighbours."""

import jax.numpy as jnp
import numpy as np
import optax

from netspace_jax.dataset import Batch, Split, one_task
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.domains.images.task_data import TaskImages
from netspace_jax.explorer.view import Tasks, View
from netspace_jax.files import packaged
from netspace_jax.runs import Run

_IMAGE_VALUES = 20_000  # of the test images that a page carries
_QUESTION = "Draw, and see what the network under the cursor says of it, and whether its neighbours agree."
_TASK_QUESTION = "Each network learned a task of its own. The images are of one that is new to the space ({})."
_NEW = "None of the networks that trained the space has learned these tasks."
_SHARED = "All networks here have learned this task."
_LEARNED = 128  # training images of a search in the page
_TASKS, _PICKED, _TRIED = 8, 20, 60  # new tasks of a page, images of each to pick as examples, and to try networks on


def view(run: Run[ImageData | TaskImages]) -> View:
    """Test images with their labels, and the loss by which a search makes a network better.

    Where each network has a task of its own, they are those of a test member's: the map says which networks can do it.
    """
    networks = run.networks(run.trained_ids[0], "test")
    data = run.dataset.of(int(networks.indices[0]))
    shape, classes = data.behaviour.input_shape, data.behaviour.classes
    tests = data.examples("test")
    count = min(max(_IMAGE_VALUES // int(np.prod(shape)), 40), 300, len(tests.targets))
    mean, std = (np.array(values, np.float32) for values in data.behaviour.normalisation)
    pixels = np.rint(255 * (np.asarray(tests.inputs[:count]) * std + mean)).clip(0, 255).astype(np.uint8)
    train = data.examples("train")
    one_hot = np.eye(classes, dtype=np.float32)[np.asarray(train.targets[:_LEARNED])]

    def loss(aim, outputs):
        # The task's cross-entropy; with whole rows of targets, since pages know no gathering by labels.
        return optax.softmax_cross_entropy(outputs, aim).mean()

    return View(
        script="".join(packaged("netspace_jax.domains.images", name) for name in ("explorer.js", "adapt.js")),
        question=_QUESTION if one_task(run.dataset) else _TASK_QUESTION.format(networks.members[0].item),
        batch=min(100, count),
        arrays={"images": pixels, "targets": np.asarray(tests.targets[:count], np.int32)},
        about={
            "shape": shape,
            "classes": classes,
            "mean": data.behaviour.mean,
            "std": data.behaviour.std,
            "tasks": _SHARED if one_task(run.dataset) else _NEW,
        },
        examples=Batch(tests.inputs[:count], tests.targets[:count]),
        loss=loss,
        loss_inputs=np.asarray(train.inputs[:_LEARNED]),
        aims=one_hot[None],
        tasks=new_tasks(run),
    )


def new_tasks(run: Run[ImageData | TaskImages]) -> Tasks:
    """Tasks of test members, with images of the validation split to pick and of the test split to try networks on."""
    networks = run.networks(run.trained_ids[0], "test")
    named = {member.item: int(index) for member, index in zip(networks.members, networks.indices, strict=True)}
    if one_task(run.dataset):
        named = {run.config.zoo.dataset: 0}
    chosen = dict([*named.items()][:_TASKS])

    def stacked(split: Split, count: int) -> Batch:
        parts = [run.dataset.of(member).examples(split) for member in chosen.values()]
        order = np.random.default_rng(0).permutation(len(parts[0].targets))[:count]
        return Batch(*(jnp.stack([values[order] for values in column]) for column in zip(*parts, strict=True)))

    return Tasks(list(chosen), stacked("validation", _PICKED), stacked("test", _TRIED))
