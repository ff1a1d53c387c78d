"""Presets: every recipe by name. `python train.py NAME` runs one; any field can be changed by a flag."""

import dataclasses
import difflib

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError


def digits() -> RunConfig:
    """1,024 LeNetLikes on scikit-learn's 8×8 digits, each from its own start, and a space of them."""
    return RunConfig("digits", ZooConfig(), NetSpaceConfig())


def digits_shared() -> RunConfig:
    """As `digits`, but all networks share one random start."""
    base = digits()
    return dataclasses.replace(base, name="digits-shared", zoo=dataclasses.replace(base.zoo, shared_start=True))


def _paper_single(name: str, dataset: str, prep: tuple[int, int], crop_padding: int, epoch: int) -> RunConfig:
    """The reference's single-architecture experiment; `epoch` is the number of steps of 128 images in one epoch."""
    zoo = ZooConfig(dataset=dataset, architectures=("resnet8",), members=(186,), validation=16, test=16,
                    optimizer="adam", learning_rate=1e-4, batch=128, steps=599 * epoch, stops="reference",
                    crop_padding=crop_padding, flip=True)
    netspace = NetSpaceConfig(prep=prep, embedding=4096, encoder="conv", decoder="conv", networks=8, train_members=100,
                              batch=128, learning_rate=1e-4, schedule="constant", steps=1000 * epoch, evaluations=50,
                              log_every=100)
    return RunConfig(name, zoo, netspace)


def cifar10_single() -> RunConfig:
    """The reference on CIFAR-10: 186 ResNet8s stopped after 0 to 599 epochs, E 4096, 1,000 passes."""
    return _paper_single("cifar10-single", "cifar10", (8, 10_000), 4, 40_000 // 128)


def tiny_imagenet_single() -> RunConfig:
    """The reference on Tiny-ImageNet: 186 ResNet8s stopped after 0 to 599 epochs, E 4096, 1,000 passes."""
    return _paper_single("tiny-imagenet-single", "tiny_imagenet", (16, 10_000), 8, 80_000 // 128)


PRESETS = {"digits": digits, "digits-shared": digits_shared, "cifar10-single": cifar10_single,
           "tiny-imagenet-single": tiny_imagenet_single}


def preset(name: str) -> RunConfig:
    """The preset of a name.

    Raises:
      InputError: there is none; the message has the nearest names.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=3, cutoff=0.4) or list(PRESETS)
        raise InputError(f"unknown preset {name!r}; did you mean {' or '.join(near)}?")
    return PRESETS[name]()
