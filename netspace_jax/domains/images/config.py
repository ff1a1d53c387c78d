"""Flags that networks for images add to those of every zoo and space."""

import dataclasses
from typing import Annotated, Literal, cast

import tyro

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.rules import MOST, NOT_NEGATIVE, POSITIVE, Range, Unless, flag


_TASKS = frozenset({"one", "conditions", "labels", "renamed", "some", "sets"})
_CONDITION = Unless("tasks", *sorted(_TASKS - {"conditions"}))
_RANGES = ("turned", "sheared", "scaled", "blurred", "noisy", "contrast", "colours")


@dataclasses.dataclass(frozen=True)
class ImageZooConfig(ZooConfig):
    """A population of networks that classify images."""

    data_dir: Annotated[str, tyro.conf.arg(prefix_name=False)] = ""
    """Where data sets that TFDS prepared lie; empty means TFDS's own default."""
    images: Annotated[int, Range(0, MOST), Unless("tasks", "sets")] = 0
    """Images of each split to use, drawn once; 0 for all."""
    held_images: Annotated[int, Range(0, MOST), Unless("tasks", "sets")] = 0
    """Images of the validation and of the test split to use, drawn once; 0 for as many as --zoo.images."""
    size: Annotated[int, Range(0, MOST)] = 0
    """Rows and columns that images are brought to, by means of blocks; 0 for what they have."""
    normalise: Annotated[tuple[float, ...], Range()] = ()
    """Mean and standard deviation by which pixels scaled to [0, 1] are normalised: two numbers for all channels, or the
    means of all channels and then their standard deviations. Empty: those of the data set (docs/data.md)."""
    crop_padding: Annotated[int, Range(0, 1024)] = 0
    """Black pixels around an image before it is cropped at random; 0 for no crop."""
    flip: bool = False
    """Whether images are flipped at random."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of activations and products in training; parameters, statistics and losses stay float32."""
    tasks: Literal["one", "conditions", "labels", "renamed", "some", "sets"] = "one"
    """What members learn (docs/tasks.md): all the same; each its own: images under conditions of its own; which half of
    the classes is yes; the classes by other names; some of the classes alone; or one of the data sets of a folder."""
    turned: Annotated[tuple[float, float], Range(-360, 360), _CONDITION] = (0.0, 360.0)
    """Degrees by which the images of a task are turned, from and to; equal ends for the same with all tasks."""
    sheared: Annotated[tuple[float, float], Range(-10, 10), _CONDITION] = (-0.4, 0.4)
    """Shear."""
    scaled: Annotated[tuple[float, float], Range(0, 100, open_low=True), _CONDITION] = (0.8, 1.15)
    """Size; above 1 larger."""
    inverted: Annotated[float, Range(0, 1), _CONDITION] = 0.3
    """Share of the tasks whose images are inverted."""
    blurred: Annotated[tuple[float, float], NOT_NEGATIVE, _CONDITION] = (0.0, 0.0)
    """Standard deviation of a Gaussian blur, in pixels."""
    noisy: Annotated[tuple[float, float], NOT_NEGATIVE, _CONDITION] = (0.0, 0.0)
    """Standard deviation of Gaussian noise, of pixels from 0 to 1."""
    contrast: Annotated[tuple[float, float], NOT_NEGATIVE, _CONDITION] = (1.0, 1.0)
    """Contrast; 1 as it is."""
    colours: Annotated[tuple[float, float], Range(-180, 180), _CONDITION] = (0.0, 0.0)
    """Degrees by which the three channels are rotated about mid-grey, around an axis at random."""
    task_classes: Annotated[int, Range(2, MOST), Unless("tasks", *sorted(_TASKS - {"some"}))] = 5
    """Classes of a task, where each has some of them."""


@dataclasses.dataclass(frozen=True)
class ImageNetSpaceConfig(NetSpaceConfig):
    """A NetSpace of networks that classify images."""

    temperature: Annotated[float, POSITIVE] = 1.0
    """Temperature of the distillation; 4 in the paper."""
    relative: Annotated[float, NOT_NEGATIVE] = 1.0
    """Weight of a second distillation, at a third of the standard deviation of each network's own logits; 0 in the
    paper."""
    mixed: Annotated[float, Range(0, 1), Unless("teaching", "common")] = 0.0
    """Share of the images of a step, and of the probes, that are mixtures of two training images: networks that are
    sure of every training image differ on mixtures; 0 in the paper."""


def check(config: RunConfig) -> None:
    """Refuse combinations of these flags that cannot be.

    Raises:
      InputError: a value is impossible; the message names the flag and what it has to be.
    """
    zoo = cast(ImageZooConfig, config.zoo)
    normalise = zoo.normalise
    if len(normalise) % 2 or min(normalise[len(normalise) // 2 :], default=1) <= 0:
        raise InputError(
            f"--zoo.normalise takes means and then as many positive standard deviations, as 0.5 0.5, not "
            f"{' '.join(map(str, normalise))}"
        )
    if zoo.tasks != "one":
        _check_tasks(config, zoo)


def _check_tasks(config: RunConfig, zoo: ImageZooConfig) -> None:
    """Refuse what members with tasks of their own cannot have."""
    for name in _RANGES:
        low, high = getattr(zoo, name)
        if low > high:
            raise InputError(f"{flag('zoo', name)} {low:g} {high:g} is no range: give the lower end first")
    netspace = cast(ImageNetSpaceConfig, config.netspace)
    unfit = {
        f"--zoo.teacher {zoo.teacher}": bool(zoo.teacher),
        "--netspace.teaching common": netspace.teaching == "common",
        "--netspace.interpolation": netspace.interpolation,
        f"--netspace.mixed {netspace.mixed:g}": netspace.mixed > 0,
    }
    for given, present in unfit.items():
        if present:
            raise InputError(
                f"{given} needs one task that all members share: leave it out, or leave --zoo.tasks at one"
            )
