"""Tasks drawn for the members of a zoo: conditions of images, names of classes, or some classes alone."""

import math
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from netspace_jax.domains.images.conditions import Conditions
from netspace_jax.domains.images.config import ImageZooConfig
from netspace_jax.errors import InputError
from netspace_jax.rules import flag

CLASSES_OF_HALVES = 4
"""Classes, at least, of which halves are tasks: of three there would be as few as six."""

RANGES = {
    "turned": ("turned {:.0f}°", 0.0),
    "sheared": ("sheared {:.2f}", 0.0),
    "scaled": ("scaled {:.2f}", 1.0),
    "blurred": ("blurred {:.2f}", 0.0),
    "colours": ("colours turned {:.0f}°", 0.0),
    "contrast": ("contrast {:.2f}", 1.0),
    "noisy": ("noise {:.2f}", 0.0),
}
"""Flags that are ranges of a condition: its words, and the value that changes nothing."""

_MORE = 3  # numbers drawn beside those of the ranges: whether a task is inverted, and the axis of its colours


class Drawn(NamedTuple):
    """Tasks that were drawn.

    Attributes:
      group: tasks of one group are in one split of the zoo.
      classes: that networks tell apart.
      labels: class of each class of the images, by task; −1 where the task does not have it.
    """

    names: tuple[str, ...]
    group: Int[np.ndarray, "task"]
    classes: int
    conditions: Conditions | None = None
    labels: Int[np.ndarray, "task class"] | None = None


def drawn_conditions(config: ImageZooConfig, count: int, channels: int, classes: int) -> Drawn:
    """Conditions by the ranges of a zoo's configuration; the first ones of a seed do not depend on how many there are.

    Raises:
      InputError: colours are to be turned of images that have none, or nothing is to change.
    """
    if config.colours != (0.0, 0.0) and channels != 3:
        raise InputError("--zoo.colours turns the colours of colour photographs, and these images are grey")
    numbers = np.random.default_rng(config.seed).random((count, _MORE + len(RANGES)))
    inverted, height, around = numbers[:, 0] < config.inverted, 2 * numbers[:, 1] - 1, 2 * np.pi * numbers[:, 2]
    values: dict[str, np.ndarray] = {}
    for column, (name, (_, neutral)) in enumerate(RANGES.items(), _MORE):
        low, high = getattr(config, name)
        if (low, high) != (neutral, neutral):  # what is off for all tasks is no part of the programs
            values[name] = low + (high - low) * numbers[:, column]
    words = [[RANGES[name][0].format(value) for value in column] for name, column in values.items()]
    words += [["inverted" if each else "" for each in inverted]] if config.inverted else []
    names = [", ".join(filter(None, parts)) or "as it is" for parts in zip(*words, strict=True)]
    turned, sheared = (values.get(name, np.zeros(count)) for name in ("turned", "sheared"))
    moved = {"turned", "sheared", "scaled"} & values.keys()
    conditions = Conditions(
        warp=_floats(warps(np.deg2rad(turned), sheared, values.get("scaled", np.ones(count)))) if moved else None,
        blur=_floats(values.get("blurred")),
        colours=_floats(rotations(np.deg2rad(values["colours"]), height, around)) if "colours" in values else None,
        contrast=_floats(values.get("contrast")),
        inverted=jnp.asarray(inverted) if config.inverted else None,
        noise=_floats(values.get("noisy")),
    )
    if not names:
        raise InputError(
            "--zoo.tasks conditions with every condition off makes one task of all: give one of "
            f"{', '.join(flag('zoo', name) for name in (*RANGES, 'inverted'))} a range"
        )
    return Drawn(tuple(names), np.arange(count), classes, conditions)


def _floats(values: Float[np.ndarray, "task ..."] | None) -> Float[Array, "task ..."] | None:
    return None if values is None else jnp.asarray(values, jnp.float32)


def warps(
    angle: Float[np.ndarray, "task"], shear: Float[np.ndarray, "task"], scale: Float[np.ndarray, "task"]
) -> Float[np.ndarray, "task 2 2"]:
    """Matrices of `conditions.warped` that turn (in radians), shear and scale."""
    turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], -1).reshape(-1, 2, 2)
    sheared = np.tile(np.eye(2), (len(shear), 1, 1))
    sheared[:, 0, 1] = shear
    return sheared @ turn / scale[:, None, None]


def rotations(
    angle: Float[np.ndarray, "task"], height: Float[np.ndarray, "task"], around: Float[np.ndarray, "task"]
) -> Float[np.ndarray, "task 3 3"]:
    """Rotations of three channels by angles in radians, about the axes at a height on the sphere and a way around it.

    By Rodrigues' formula, 1 + sin(angle)·K + (1 − cos(angle))·K².
    """
    flat = np.sqrt(1 - height**2)
    x, y, z, nothing = flat * np.cos(around), flat * np.sin(around), height, np.zeros_like(height)
    cross = np.stack([nothing, -z, y, z, nothing, -x, -y, x, nothing], -1).reshape(-1, 3, 3)
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    return np.eye(3) + sine * cross + (1 - cosine) * cross @ cross


def drawn_halves(config: ImageZooConfig, count: int, classes: int) -> Drawn:
    """Halves of the classes, of which one is yes: binary tasks. A half and its complement are in one split.

    Of an odd number of classes a half has one class less than its complement, or one more.

    Raises:
      InputError: there are too few classes.
    """
    if classes < CLASSES_OF_HALVES:
        raise InputError(f"--zoo.tasks labels needs images of at least {CLASSES_OF_HALVES} classes, not of {classes}")
    pairs = math.comb(classes, classes // 2) // (1 if classes % 2 else 2)
    rng = np.random.default_rng(config.seed)

    def draw() -> tuple[int, ...]:
        half = np.sort(rng.permutation(classes)[: classes // 2])
        if classes % 2 == 0 and half[0]:  # of two halves of one size that with class 0 stands for both
            half = np.setdiff1d(np.arange(classes), half)
        return tuple(half.tolist())

    firsts = _distinct(draw, min(-(-count // 2), pairs))
    yes = np.zeros((len(firsts), 2, classes), np.int32)
    for row, half in enumerate(firsts):
        yes[row, 0, half] = 1
    yes[:, 1] = 1 - yes[:, 0]
    labels = yes.reshape(-1, classes)[:count]
    names = tuple(f"yes: {' '.join(map(str, np.flatnonzero(row)))}" for row in labels)
    return Drawn(names, np.arange(len(labels)) // 2, 2, labels=labels)


def drawn_names(config: ImageZooConfig, count: int, classes: int) -> Drawn:
    """Classes that are called by one another's names."""
    rng = np.random.default_rng(config.seed)
    labels = _distinct(lambda: tuple(rng.permutation(classes).tolist()), min(count, math.factorial(classes)))
    names = tuple(f"called {' '.join(map(str, row))}" for row in labels)
    return Drawn(names, np.arange(len(labels)), classes, labels=np.array(labels, np.int32))


def drawn_classes(config: ImageZooConfig, count: int, classes: int) -> Drawn:
    """Some classes alone, numbered in their order.

    Raises:
      InputError: there are not more classes than a task is to have.
    """
    size = config.task_classes
    if size >= classes:
        raise InputError(f"--zoo.task-classes {size} must be less than the {classes} classes of the images")
    rng = np.random.default_rng(config.seed)
    count = min(count, math.comb(classes, size))
    chosen = _distinct(lambda: tuple(sorted(rng.permutation(classes)[:size].tolist())), count)
    labels = np.full((len(chosen), classes), -1, np.int32)
    for row, some in enumerate(chosen):
        labels[row, list(some)] = np.arange(size)
    names = tuple(f"classes {' '.join(map(str, some))}" for some in chosen)
    return Drawn(names, np.arange(len(chosen)), size, labels=labels)


def _distinct(draw: Callable[[], tuple[int, ...]], count: int) -> list[tuple[int, ...]]:
    """The first `count` different ones of what is drawn."""
    different: dict[tuple[int, ...], None] = {}
    while len(different) < count:
        different[draw()] = None
    return list(different)
