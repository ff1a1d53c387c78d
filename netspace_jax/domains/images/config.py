"""Flags that networks for images add to those of every zoo and space."""

import dataclasses
from typing import Annotated, Literal, cast

import tyro
from annotated_types import Interval

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.rules import Fraction, Natural, NotNegative, Positive, Unless


@dataclasses.dataclass(frozen=True)
class ImageZooConfig(ZooConfig):
    """A population of networks that classify images."""

    data_dir: Annotated[str, tyro.conf.arg(prefix_name=False)] = ""
    """Where data sets that TFDS prepared lie; empty means TFDS's own default."""
    images: Natural = 0
    """Images of each split to use, drawn once; 0 for all."""
    normalise: tuple[float, ...] = ()
    """Mean and standard deviation by which pixels scaled to [0, 1] are normalised: two numbers for all channels, or the
    means of all channels and then their standard deviations. Empty: those of the data set (docs/data.md)."""
    crop_padding: Annotated[int, Interval(ge=0, le=1024)] = 0
    """Black pixels around an image before it is cropped at random; 0 for no crop."""
    flip: bool = False
    """Whether images are flipped at random."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of activations and products in training; parameters, statistics and losses stay float32."""


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
