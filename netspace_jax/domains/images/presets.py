"""Presets of networks that classify images. `python train.py NAME` runs one; any field can be changed by a flag."""

import dataclasses

from netspace_jax.config import RefineConfig, RunConfig
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig


def digits() -> RunConfig:
    """3,840 LeNetLikes on scikit-learn's 8×8 digits, each from its own initialisation, and a space of them.

    `python train.py`: 2.0 minutes on two CPU cores; encoder alone: agreement 0.891 ± 0.010, gap 0.0228 ± 0.0037,
    refined: agreement 0.947 ± 0.003, gap 0.0081 ± 0.0016 (mean of 5 seeds).
    """
    zoo = ImageZooConfig(members=(3840,), validation=128, test=128)
    netspace = ImageNetSpaceConfig(rank=16, skip=True, noise=0.0, steps=2150, validations=6, corrections=2)
    refine = RefineConfig(steps=300, learning_rate=0.2, batch=128)
    return RunConfig("digits", "images", zoo, netspace, refine)


def digits_shared() -> RunConfig:
    """As `digits`, but all networks share one random initialisation.

    `python train.py digits-shared`: 1.7 minutes on two CPU cores; encoder alone: agreement 0.971, gap 0.0063, refined:
    agreement 0.986, gap 0.0036 (mean of 1 seed).
    """
    base = digits()
    zoo = dataclasses.replace(base.zoo, shared_init=True, members=(2304,))
    netspace = dataclasses.replace(base.netspace, steps=2100)
    return dataclasses.replace(base, name="digits-shared", zoo=zoo, netspace=netspace)


def digits_large() -> RunConfig:
    """As `digits`, with more networks, a larger autoencoder and more steps of refinement.

    `python train.py digits-large`: 7.3 minutes on two CPU cores; encoder alone: agreement 0.923, gap 0.0134, refined:
    agreement 0.962, gap 0.0063 (mean of 1 seed).
    """
    zoo = ImageZooConfig(members=(14592,), validation=128, test=128)
    netspace = ImageNetSpaceConfig(
        embedding=512,
        hidden=1024,
        rank=24,
        skip=True,
        noise=0.0,
        networks=64,
        steps=4200,
        validations=6,
        corrections=2,
    )
    return RunConfig("digits-large", "images", zoo, netspace, RefineConfig(steps=800, learning_rate=0.15))


def cifar10_small() -> RunConfig:
    """256 LeNetLikes in the paper's exact size on CIFAR-10, stopped after 20 to 1,200 steps, and a space of them.

    `python train.py cifar10-small`: 9.1 minutes on two CPU cores; encoder alone: agreement 0.671, gap 0.0208, refined:
    agreement 0.852, gap 0.0033 (mean of 1 seed).
    """
    zoo = ImageZooConfig(
        dataset="cifar10",
        members=(256,),
        validation=32,
        test=32,
        steps=1200,
        min_steps=20,
        batch=64,
        learning_rate=2e-3,
    )
    netspace = ImageNetSpaceConfig(prep=(250, 250), hidden=256, rank=32, noise=0.0, batch=64, steps=1200, validations=5)
    refine = RefineConfig(steps=300, learning_rate=0.1, batch=256)
    return RunConfig("cifar10-small", "images", zoo, netspace, refine)


def cifar10_resnet8() -> RunConfig:
    """64 ResNet8s in the paper's exact size on CIFAR-10, stopped after 30 to 400 steps, and a space of them.

    `python train.py cifar10-resnet8`: not measured in this version.
    """
    base = cifar10_small()
    zoo = dataclasses.replace(
        base.zoo, architectures=("resnet8",), members=(64,), validation=8, test=8, steps=400, min_steps=30, chunk=16
    )
    netspace = dataclasses.replace(base.netspace, prep=(280, 280), rank=24, networks=8, batch=32, steps=700)
    refine = RefineConfig(steps=200, learning_rate=0.1, batch=64)
    return dataclasses.replace(base, name="cifar10-resnet8", zoo=zoo, netspace=netspace, refine=refine)


def imported() -> RunConfig:
    """A space of a zoo that exists: of networks that others trained (docs/networks.md), or of any zoo on disk.

    `python train.py imported --zoo DIR`; its settings suit networks of some 60,000 parameters.
    """
    zoo = ImageZooConfig(architectures=(), members=())
    netspace = ImageNetSpaceConfig(hidden=256, rank=32, noise=0.0, batch=32, steps=1300, validations=5)
    return RunConfig("imported", "images", zoo, netspace, RefineConfig(steps=300, learning_rate=0.1, batch=128))


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
    netspace = ImageNetSpaceConfig(
        prep=prep,
        embedding=4096,
        encoder="conv",
        decoder="conv",
        networks=8,
        train_members=100,
        batch=128,
        temperature=4.0,
        relative=0.0,
        noise=0.0,
        learning_rate=1e-4,
        schedule="constant",
        steps=1000 * epoch,
        validations=50,
        log_every=100,
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


FOUR = ("lenetlike", "vanilla_cnn", "resnet8", "resnet32")
_MULTI_NETSPACE = ImageNetSpaceConfig(
    prep=(160, 192),
    hidden=256,
    center="network",
    initial_scale=0.1,
    probes=64,
    teaching="common",
    interpolation=True,
    temperature=4.0,
    relative=0.0,
    noise=0.5,
    networks=16,
    batch=64,
    steps=1500,
    validations=5,
    select="score",
)


def digits_multi() -> RunConfig:
    """Four architectures on digits in one space, taught by one ResNet56, as in the paper.

    `python train.py digits-multi`: generated accuracy 0.978, head accuracy 1.000 (mean of 1 seed).
    """
    zoo = ImageZooConfig(
        architectures=FOUR,
        members=(48, 48, 48, 32),
        teacher="resnet56",
        validation=6,
        test=6,
        stops="end",
        steps=250,
        learning_rate=5e-3,
        decay=0.2,
        decay_at=(0.6, 0.85),
    )
    return RunConfig("digits-multi", "images", zoo, _MULTI_NETSPACE)


def digits_multi_own() -> RunConfig:
    """As `digits-multi`, but each network is its own teacher, so that the space keeps what each one does.

    `python train.py digits-multi-own`: encoder alone: agreement 0.953, refined 0.954 (mean of 1 seed).
    """
    base = digits_multi()
    return dataclasses.replace(
        base,
        name="digits-multi-own",
        netspace=dataclasses.replace(base.netspace, teaching="self", select="gap", relative=1.0, rank=8),
        refine=RefineConfig(steps=400, learning_rate=0.2, batch=128),
    )


def digits_unseen() -> RunConfig:
    """Only LeNetLikes and ResNet32s train the space; VanillaCNNs and ResNet8s are generated from interpolations.

    `python train.py digits-unseen`: not measured in this version.
    """
    base = digits_multi()
    zoo = dataclasses.replace(base.zoo, members=(48, 16, 16, 32))
    return RunConfig(
        "digits-unseen",
        "images",
        zoo,
        dataclasses.replace(base.netspace, train_architectures=("lenetlike", "resnet32")),
    )


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
    netspace = ImageNetSpaceConfig(
        prep=(rows, 10_000),
        embedding=4096,
        encoder="conv",
        decoder="conv",
        teaching="common",
        interpolation=True,
        temperature=4.0,
        relative=0.0,
        noise=0.0,
        networks=4,
        batch=128,
        learning_rate=1e-4,
        schedule="constant",
        steps=1000 * epoch,
        validations=40,
        log_every=100,
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
    zoo = dataclasses.replace(base.zoo, members=members)
    return RunConfig(
        name,
        "images",
        zoo,
        dataclasses.replace(base.netspace, train_architectures=("lenetlike", "resnet32"), networks=2),
    )


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


PRESETS = {
    "digits": digits,
    "digits-shared": digits_shared,
    "digits-large": digits_large,
    "imported": imported,
    "digits-multi": digits_multi,
    "digits-multi-own": digits_multi_own,
    "digits-unseen": digits_unseen,
    "cifar10-small": cifar10_small,
    "cifar10-resnet8": cifar10_resnet8,
    "cifar10-single": cifar10_single,
    "cifar10-multi": cifar10_multi,
    "cifar10-unseen": cifar10_unseen,
    "tiny-imagenet-single": tiny_imagenet_single,
    "tiny-imagenet-multi": tiny_imagenet_multi,
    "tiny-imagenet-unseen": tiny_imagenet_unseen,
}
