"""Presets whose members have tasks of their own (docs/tasks.md)."""

import dataclasses
from typing import Any

from netspace_jax.config import RefineConfig, RunConfig
from netspace_jax.domains.images.config import ImageNetSpaceConfig, ImageZooConfig


def digits_tasks() -> RunConfig:
    """2,048 LeNetLikes, each on digits under conditions of its own: turned, sheared, scaled, some inverted.

    `python train.py digits-tasks`: a new task from 1, 5, 50 labelled images 0.958, 0.969, 0.971; members, trained on
    all 1,197 of theirs, 0.948 (1 seed).
    """
    zoo = ImageZooConfig(
        tasks="conditions",
        members=(2048,),
        validation=64,
        test=64,
        stops="end",
        steps=600,
        learning_rate=5e-3,
        schedule="cosine",
    )
    return RunConfig("digits-tasks", "images", zoo, _space(steps=4000), RefineConfig(steps=100))


def digits_labels() -> RunConfig:
    """1,008 LeNetLikes, four of each half of the ten digits, which say whether an image is of it.

    Of the 126 pairs of a half and its complement 100 train, 6 validate and 20 test: 40 new halves.

    `python train.py digits-labels`: not measured yet.
    """
    base = digits_tasks()
    zoo = dataclasses.replace(base.zoo, tasks="labels", members=(1008,), validation=48, test=160, steps=400)
    return dataclasses.replace(base, name="digits-labels", zoo=zoo)


def cifar10_tasks() -> RunConfig:
    """400 small CNNs, each on photographs under conditions of its own: turned, of other colours and contrast.

    The photographs are brought to 16×16; 20,000 of them train.

    `python train.py cifar10-tasks`: not measured yet.
    """
    zoo = ImageZooConfig(
        dataset="cifar10",
        images=20_000,
        held_images=2_000,
        size=16,
        architectures=("smallcnn",),
        tasks="conditions",
        sheared=(0.0, 0.0),
        scaled=(1.0, 1.0),
        inverted=0.0,
        contrast=(0.5, 1.5),
        colours=(0.0, 180.0),
        members=(400,),
        validation=32,
        test=32,
        stops="end",
        steps=600,
        learning_rate=3e-3,
        schedule="cosine",
    )
    netspace = _space(prep=(128, 128), embedding=64, networks=16, steps=1500)
    return RunConfig("cifar10-tasks", "images", zoo, netspace, RefineConfig(steps=100))


def _space(**changes: Any) -> ImageNetSpaceConfig:
    """A set encoder, which learns from probabilities as they are; chosen by agreement, since generated networks become
    better than those that they are generated from, which a gap would count against them.
    """
    base = ImageNetSpaceConfig(
        encoder="set",
        pairs=64,
        probes=256,
        embedding=32,
        hidden=512,
        skip=True,
        noise=0.0,
        relative=0.0,
        batch=64,
        validations=4,
        select="agreement",
    )
    return dataclasses.replace(base, **changes)


TASK_PRESETS = {"digits-tasks": digits_tasks, "digits-labels": digits_labels, "cifar10-tasks": cifar10_tasks}
