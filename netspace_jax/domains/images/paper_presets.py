"""Presets of the paper's experiments at their full size, on CIFAR-10 and Tiny-ImageNet. They need an accelerator."""

import dataclasses

from netspace_jax.config import RunConfig
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig

FOUR = ("lenetlike", "vanilla_cnn", "resnet8", "resnet32")


_AUTOENCODER = ImageNetSpaceConfig(
    embedding=4096,
    encoder="conv",
    decoder="conv",
    batch=128,
    temperature=4.0,
    relative=0.0,
    noise=0.0,
    learning_rate=1e-4,
    schedule="constant",
    log_every=100,
)


def _paper_single(name: str, dataset: str, prep: tuple[int, int], crop_padding: int, epoch: int) -> RunConfig:
    """The paper's single-architecture experiment; `epoch` is the number of steps of 128 images in one epoch."""
    zoo = ImageZooConfig(
        dataset=dataset,
        architectures=("resnet8",),
        members=(186,),
        validation=16,
        test=16,
        optimizer="adam",
        learning_rate=1e-4,
        batch=128,
        steps=599 * epoch,
        stops="paper",
        crop_padding=crop_padding,
        flip=True,
    )
    netspace = dataclasses.replace(
        _AUTOENCODER, prep=prep, networks=8, train_members=100, steps=1000 * epoch, validations=50
    )
    return RunConfig(name, "images", zoo, netspace)


def cifar10_single() -> RunConfig:
    """The paper on CIFAR-10: 186 ResNet8s stopped after 0 to 599 epochs, E 4096, 1,000 passes.

    `python train.py cifar10-single`: needs an accelerator; not measured yet. The README scales it to a CPU by flags.
    """
    return _paper_single("cifar10-single", "cifar10", (8, 10_000), 4, 40_000 // 128)


def tiny_imagenet_single() -> RunConfig:
    """The paper on Tiny-ImageNet: 186 ResNet8s stopped after 0 to 599 epochs, E 4096, 1,000 passes.

    `python train.py tiny-imagenet-single`: needs an accelerator; not measured yet.
    """
    return _paper_single("tiny-imagenet-single", "tiny_imagenet", (16, 10_000), 8, 80_000 // 128)


def _paper_multi(
    name: str, dataset: str, rows: int, crop_padding: int, epoch: int, validation: int, members: tuple[int, ...]
) -> RunConfig:
    """The paper's experiments with four architectures; `epoch` is the number of steps of 128 images in one epoch.

    A step shows one network of each architecture where the paper draws two from all, so a pass over the images
    shows twice as many.
    """
    zoo = ImageZooConfig(
        dataset=dataset,
        architectures=FOUR,
        members=members,
        teacher="resnet56",
        validation=validation,
        test=16,
        optimizer="sgd",
        learning_rate=0.05,
        weight_decay=5e-4,
        decay=0.1,
        decay_at=(0.5, 0.6, 0.7),
        batch=128,
        steps=300 * epoch,
        stops="end",
        validations=10,
        validate_from=0.7,
        crop_padding=crop_padding,
        flip=True,
    )
    netspace = dataclasses.replace(
        _AUTOENCODER,
        prep=(rows, 10_000),
        teaching="common",
        interpolation=True,
        networks=4,
        steps=1000 * epoch,
        validations=40,
        select="score",
    )
    return RunConfig(name, "images", zoo, netspace)


def cifar10_multi() -> RunConfig:
    """The paper on CIFAR-10: 60 LeNetLike, 50 VanillaCNN, 60 ResNet8 and 100 ResNet32 to train on, a ResNet56 teacher.

    `python train.py cifar10-multi`: needs an accelerator; not measured yet.
    """
    return _paper_multi("cifar10-multi", "cifar10", 88, 4, 40_000 // 128, 30, (106, 96, 106, 146))


def tiny_imagenet_multi() -> RunConfig:
    """The paper's four architectures on Tiny-ImageNet.

    `python train.py tiny-imagenet-multi`: needs an accelerator; not measured yet.
    """
    return _paper_multi("tiny-imagenet-multi", "tiny_imagenet", 88, 8, 80_000 // 128, 16, (92, 82, 92, 132))


def _unseen(base: RunConfig, name: str, members: tuple[int, ...]) -> RunConfig:
    """A run whose VanillaCNNs and ResNet8s train no space, with other numbers of members."""
    netspace = dataclasses.replace(base.netspace, train_architectures=("lenetlike", "resnet32"), networks=2)
    return dataclasses.replace(base, name=name, zoo=dataclasses.replace(base.zoo, members=members), netspace=netspace)


def cifar10_unseen() -> RunConfig:
    """The paper on CIFAR-10, where only 40 LeNetLikes and 80 ResNet32s train the space.

    `python train.py cifar10-unseen`: needs an accelerator; not measured yet.
    """
    return _unseen(cifar10_multi(), "cifar10-unseen", (86, 47, 47, 126))


def tiny_imagenet_unseen() -> RunConfig:
    """The paper on Tiny-ImageNet, where only 40 LeNetLikes and 80 ResNet32s train the space.

    `python train.py tiny-imagenet-unseen`: needs an accelerator; not measured yet.
    """
    return _unseen(tiny_imagenet_multi(), "tiny-imagenet-unseen", (72, 33, 33, 112))


PAPER_PRESETS = {
    "cifar10-single": cifar10_single,
    "cifar10-multi": cifar10_multi,
    "cifar10-unseen": cifar10_unseen,
    "tiny-imagenet-single": tiny_imagenet_single,
    "tiny-imagenet-multi": tiny_imagenet_multi,
    "tiny-imagenet-unseen": tiny_imagenet_unseen,
}
