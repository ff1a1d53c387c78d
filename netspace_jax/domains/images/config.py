"""Flags that networks for images add to those of every zoo and space."""

import dataclasses
from typing import Annotated, Literal, cast, get_args

import tyro
from annotated_types import Interval
from pydantic import AfterValidator

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.rules import MOST, Fraction, Natural, NotNegative, Positive, Unless

Tasks = Literal["one", "conditions", "labels", "renamed", "some", "sets"]

_CONDITION = Unless("tasks", *sorted({*get_args(Tasks)} - {"conditions"}))
_SETS, _SOME = Unless("tasks", "sets"), Unless("tasks", *sorted({*get_args(Tasks)} - {"some"}))


def _ordered(ends: tuple[float, float]) -> tuple[float, float]:
    if ends[0] > ends[1]:
        raise ValueError("be the lower end and then the higher one")
    return ends


_Degree = Annotated[float, Interval(ge=-360, le=360)]
_Factor = Annotated[float, Interval(gt=0, le=100)]
Degrees = Annotated[tuple[_Degree, _Degree], AfterValidator(_ordered), _CONDITION]
Shears = Annotated[tuple[float, float], AfterValidator(_ordered), _CONDITION]
Factors = Annotated[tuple[_Factor, _Factor], AfterValidator(_ordered), _CONDITION]
Amounts = Annotated[tuple[NotNegative, NotNegative], AfterValidator(_ordered), _CONDITION]


@dataclasses.dataclass(frozen=True)
class ImageZooConfig(ZooConfig):
    """A population of networks that classify images."""

    data_dir: Annotated[str, tyro.conf.arg(prefix_name=False)] = ""
    """Where data sets that TFDS prepared lie; empty means TFDS's own default."""
    images: Annotated[Natural, _SETS] = 0
    """Images of each split to use, drawn once; 0 for all."""
    held_images: Annotated[Natural, _SETS] = 0
    """Images of the validation and of the test split to use, drawn once; 0 for as many as --zoo.images."""
    size: Natural = 0
    """Rows and columns that images are brought to, by means of blocks; 0 for what they have."""
    normalise: tuple[float, ...] = ()
    """Mean and standard deviation by which pixels scaled to [0, 1] are normalised: two numbers for all channels, or the
    means of all channels and then their standard deviations. Empty: those of the data set (docs/data.md)."""
    crop_padding: Annotated[int, Interval(ge=0, le=1024)] = 0
    """Black pixels around an image before it is cropped at random; 0 for no crop."""
    flip: bool = False
    """Whether images are flipped at random."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of activations and products in training; parameters, statistics and losses stay float32."""
    tasks: Tasks = "one"
    """What members learn (docs/tasks.md): all the same; or each its own: images under conditions of its own; which half
    of the classes is yes; the classes by other names; some of the classes alone; one of the data sets of a folder."""
    turned: Degrees = (0.0, 360.0)
    """Degrees by which the images of a task are turned, from and to; two equal ends for the same with all tasks."""
    sheared: Shears = (-0.4, 0.4)
    """Shear."""
    scaled: Factors = (0.8, 1.15)
    """Size, as a factor."""
    inverted: Annotated[Fraction, _CONDITION] = 0.3
    """Share of the tasks whose images are inverted."""
    blurred: Amounts = (0.0, 0.0)
    """Standard deviation of a Gaussian blur, in pixels."""
    noisy: Amounts = (0.0, 0.0)
    """Standard deviation of Gaussian noise, of pixels from 0 to 1."""
    contrast: Amounts = (1.0, 1.0)
    """Contrast; 1 as it is."""
    colours: Degrees = (0.0, 0.0)
    """Degrees by which the three channels are rotated about mid-grey, around an axis at random."""
    jitter: Annotated[Fraction, Unless("tasks", "one")] = 0.0
    """How much each training image is turned, sheared, scaled and moved at random: standard deviation of the numbers of
    the matrix, and of the shifts as a share of half the image."""
    task_classes: Annotated[int, Interval(ge=2, le=MOST), _SOME] = 5
    """Classes of a task, where each has some of them."""


@dataclasses.dataclass(frozen=True)
class ImageNetSpaceConfig(NetSpaceConfig):
    """A NetSpace of networks that classify images."""

    temperature: Positive = 1.0
    """Temperature of the distillation; 4 in the paper."""
    relative: NotNegative = 1.0
    """Weight of a second distillation, at a third of the standard deviation of each network's own logits; 0 in the
    paper."""
    mixed: Annotated[Fraction, Unless("teaching", "common")] = 0.0
    """Share of the images of a step, and of the probes, that are mixtures of two training images: networks that are
    sure of every training image differ on mixtures; 0 in the paper."""
    kept_inputs: Natural = 0
    """Where each network has a task of its own: training images of it, without labels, that are kept with the network,
    and are all that the space sees of the task (docs/private-data.md); 0 for all of them."""


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
        _check_tasks(config)
    elif cast(ImageNetSpaceConfig, config.netspace).kept_inputs:
        raise InputError(
            "--netspace.kept-inputs needs members with tasks of their own: give --zoo.tasks, or leave it out"
        )


def _check_tasks(config: RunConfig) -> None:
    """Refuse what members with tasks of their own cannot have."""
    netspace = cast(ImageNetSpaceConfig, config.netspace)
    unfit = {
        f"--zoo.teacher {config.zoo.teacher}": bool(config.zoo.teacher),
        "--netspace.teaching common": netspace.teaching == "common",
        "--netspace.interpolation": netspace.interpolation,
        f"--netspace.mixed {netspace.mixed:g}": netspace.mixed > 0,
    }
    for given, present in unfit.items():
        if present:
            raise InputError(
                f"{given} needs one task that all members share: leave it out, or leave --zoo.tasks at one"
            )
