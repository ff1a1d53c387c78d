"""How classifiers of images are shown in the explorer: drawn digits, test images, votes of the neighbours."""

import numpy as np
import optax

from netspace_jax.behaviour import Batch
from netspace_jax.domains.images.dataset import ImageData
from netspace_jax.explorer.view import View
from netspace_jax.files import packaged
from netspace_jax.runs import Run

_IMAGE_VALUES = 20_000  # of the test images that a page carries
_LEARNED = 128  # training images of a search in the page


def view(run: Run[ImageData]) -> View:
    """Test images with their labels, and the loss by which a search makes a network better."""
    data = run.dataset
    shape, classes = data.behaviour.input_shape, data.behaviour.classes
    count = min(max(_IMAGE_VALUES // int(np.prod(shape)), 40), 300, len(data.test.y))
    tests = data.examples("test")
    train = data.examples("train")
    one_hot = np.eye(classes, dtype=np.float32)[np.asarray(train.targets[:_LEARNED])]

    def loss(aim, outputs):
        # The task's cross-entropy; with whole rows of targets, since pages know no gathering by labels.
        return optax.softmax_cross_entropy(outputs, aim).mean()

    return View(
        script=packaged("netspace_jax.domains.images", "explorer.js"),
        question="Draw, and see what the network under the cursor says of it, and whether its neighbours agree.",
        batch=min(100, count),
        arrays={"images": np.asarray(data.test.x[:count]), "targets": np.asarray(tests.targets[:count], np.int32)},
        about={"shape": shape, "classes": classes, "mean": data.behaviour.mean, "std": data.behaviour.std},
        examples=Batch(tests.inputs[:count], tests.targets[:count]),
        loss=loss,
        loss_inputs=np.asarray(train.inputs[:_LEARNED]),
        aims=one_hot[None],
    )
