"""Other ways in which the same images may have been given to a network."""

import numpy as np

from netspace_jax.data.augment import normalise
from netspace_jax.data.images import IMAGENET_MEAN, IMAGENET_STD
from netspace_jax.dataset import Batch
from netspace_jax.domains.images.dataset import ImageData

_USUAL = {
    "--zoo.normalise 0.5 0.5": ((0.5,), (0.5,)),
    "--zoo.normalise 0 1": ((0.0,), (1.0,)),
    "--zoo.normalise 0 0.00392157": ((0.0,), (1 / 255,)),
    "--zoo.normalise 0.485 0.456 0.406 0.229 0.224 0.225": (IMAGENET_MEAN, IMAGENET_STD),
    "--zoo.normalise 0.4914 0.4822 0.4465 0.247 0.2435 0.2616": ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    "--zoo.normalise 0.1307 0.3081": ((0.1307,), (0.3081,)),
}
"""(x − 0.5) / 0.5, [0, 1], [0, 255], ImageNet's, and those that are in use for CIFAR-10 and for MNIST."""


def alternative_inputs(data: ImageData, count: int) -> dict[str, Batch]:
    """The first validation images, normalised in other ways that are in use, and with their channels the other way."""
    x, y = np.asarray(data.validation.x[:count]), data.validation.y[:count]
    channels, given = x.shape[-1], (data.behaviour.mean, data.behaviour.std)
    alternatives = {}
    for flags, (mean, std) in _USUAL.items():
        if len(mean) not in (1, channels):
            continue
        mean, std = mean * (channels // len(mean)), std * (channels // len(std))
        if not np.allclose((mean, std), given, atol=1e-3):
            alternatives[flags] = Batch(normalise(x, mean, std), y)
    if channels == 3:
        alternatives["images whose channels are BGR"] = Batch(normalise(x[..., ::-1], *given), y)
    return alternatives
