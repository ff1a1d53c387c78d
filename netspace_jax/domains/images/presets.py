"""Presets of networks that classify images. `python train.py NAME` runs one; any field can be changed by a flag."""

import dataclasses

from netspace_jax.config import RefineConfig, RunConfig
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig
from netspace_jax.domains.images.paper_presets import FOUR, PAPER_PRESETS
from netspace_jax.domains.images.task_presets import TASK_PRESETS


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

    `python train.py digits-shared`: 1.9 minutes on two CPU cores; encoder alone: agreement 0.967 ± 0.008, gap 0.0071 ±
    0.0009, refined: agreement 0.984 ± 0.004, gap 0.0039 ± 0.0006 (mean of 5 seeds).
    """
    base = digits()
    zoo = dataclasses.replace(base.zoo, shared_init=True, members=(2304,))
    netspace = dataclasses.replace(base.netspace, steps=2100)
    return dataclasses.replace(base, name="digits-shared", zoo=zoo, netspace=netspace)


def digits_large() -> RunConfig:
    """As `digits`, with more networks, a larger autoencoder and more steps of refinement.

    `python train.py digits-large`: 7.3 minutes on two CPU cores; encoder alone: agreement 0.913 ± 0.008, gap 0.0166 ±
    0.0021, refined: agreement 0.958 ± 0.003, gap 0.0067 ± 0.0005 (mean of 5 seeds).
    """
    base = digits()
    zoo = dataclasses.replace(base.zoo, members=(14592,))
    netspace = dataclasses.replace(base.netspace, embedding=512, hidden=1024, rank=24, networks=64, steps=4200)
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

    `python train.py cifar10-resnet8`: encoder alone: agreement 0.597, gap 0.0388, refined: agreement 0.819, gap 0.0195
    (mean of 1 seed).
    """
    base = cifar10_small()
    zoo = dataclasses.replace(
        base.zoo, architectures=("resnet8",), members=(64,), validation=8, test=8, steps=400, min_steps=30, chunk=16
    )
    netspace = dataclasses.replace(base.netspace, prep=(280, 280), rank=24, networks=8, batch=32, steps=500)
    refine = RefineConfig(steps=200, learning_rate=0.1, batch=64)
    return dataclasses.replace(base, name="cifar10-resnet8", zoo=zoo, netspace=netspace, refine=refine)


def cifar10_tutorial() -> RunConfig:
    """256 networks of PyTorch's CIFAR-10 tutorial, stopped after 300 to 2,500 steps, and a space of them.

    `python eval strangers RUN --folder DIR` then shows where networks of others lie in it.

    `python train.py cifar10-tutorial`: 19.1 minutes on two CPU cores; encoder alone: agreement 0.659, gap 0.0237,
    refined: agreement 0.752, gap 0.0176 (mean of 1 seed).
    """
    base = imported()
    zoo = dataclasses.replace(
        cifar10_small().zoo,
        architectures=("tutorial",),
        normalise=(0.5, 0.5),
        validation=16,
        steps=2500,
        min_steps=300,
    )
    netspace = dataclasses.replace(base.netspace, prep=(250, 250))
    return dataclasses.replace(base, name="cifar10-tutorial", zoo=zoo, netspace=netspace)


def imported() -> RunConfig:
    """A space of a zoo that exists: of networks that others trained (docs/networks.md), or of any zoo on disk.

    `python train.py imported --zoo DIR`; its settings suit networks of some 60,000 parameters.
    """
    zoo = ImageZooConfig(architectures=(), members=())
    netspace = ImageNetSpaceConfig(hidden=256, rank=32, noise=0.0, batch=32, steps=1300, validations=5)
    return RunConfig("imported", "images", zoo, netspace, RefineConfig(steps=300, learning_rate=0.1, batch=128))


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

    `python train.py digits-multi`: 5.9 minutes on two CPU cores; generated accuracy 0.978 ± 0.003, head accuracy 1.000
    ± 0.000 (mean of 3 seeds).
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
    """As `digits-multi`, with 144 networks of each architecture, each its own teacher: the space keeps what each does.

    `python train.py digits-multi-own`: 21.4 minutes on two CPU cores; encoder alone: agreement 0.964 ± 0.003, refined
    0.970 ± 0.003 (mean of 5 seeds).
    """
    base = digits_multi()
    zoo = dataclasses.replace(base.zoo, members=(144, 144, 144, 144))
    netspace = dataclasses.replace(
        base.netspace,
        hidden=512,
        rank=16,
        probes=128,
        mixed=0.5,
        teaching="self",
        relative=1.0,
        steps=3000,
        select="agreement",
    )
    refine = RefineConfig(steps=1000, learning_rate=0.3, batch=128, judged_on="validation")
    return dataclasses.replace(base, name="digits-multi-own", zoo=zoo, netspace=netspace, refine=refine)


def digits_unseen() -> RunConfig:
    """Only LeNetLikes and ResNet32s train the space; VanillaCNNs and ResNet8s are generated from interpolations.

    `python train.py digits-unseen`: 5.3 minutes on two CPU cores; VanillaCNN 0.973 ± 0.005, ResNet8 0.976 ± 0.008 (mean
    of 3 seeds).
    """
    base = digits_multi()
    zoo = dataclasses.replace(base.zoo, members=(48, 16, 16, 32))
    netspace = dataclasses.replace(base.netspace, train_architectures=("lenetlike", "resnet32"))
    return dataclasses.replace(base, name="digits-unseen", zoo=zoo, netspace=netspace)


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
    "cifar10-tutorial": cifar10_tutorial,
    **TASK_PRESETS,
    **PAPER_PRESETS,
}
