"""Flags that networks for images add to those of every zoo and space."""

import dataclasses
import math
from typing import Annotated, Literal, cast

import tyro

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class ImageZooConfig(ZooConfig):
    """A population of networks that classify images."""

    data_dir: Annotated[str, tyro.conf.arg(prefix_name=False)] = ""
    """Where data sets that TFDS prepared lie; empty means TFDS's own default."""
    images: int = 0
    """Images of each split to use, drawn once; 0 for all."""
    normalise: tuple[float, ...] = ()
    """Mean and standard deviation by which pixels scaled to [0, 1] are normalised: two numbers for all channels, or the
    means of all channels and then their standard deviations. Empty: those of the data set (docs/data.md)."""
    crop_padding: int = 0
    """Black pixels around an image before it is cropped at random; 0 for no crop."""
    flip: bool = False
    """Whether images are flipped at random."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number format of activations and products in training; parameters, statistics and losses stay float32."""


@dataclasses.dataclass(frozen=True)
class ImageNetSpaceConfig(NetSpaceConfig):
    """A NetSpace of networks that classify images."""

    temperature: float = 1.0
    """Temperature of the distillation; 4 in the paper."""
    relative: float = 1.0
    """Weight of a second distillation, at a third of the standard deviation of each network's own logits; 0 in the
    paper."""


def check(config: RunConfig) -> None:
    """Refuse impossible values of these flags.

    Raises:
      InputError: a value is impossible; the message names the flag and what it has to be.
    """
    zoo = cast(ImageZooConfig, config.zoo)
    normalise = zoo.normalise
    if (
        len(normalise) % 2
        or not all(map(math.isfinite, normalise))
        or min(normalise[len(normalise) // 2 :], default=1) <= 0
    ):
        raise InputError(
            f"--zoo.normalise takes means and then as many positive standard deviations, as 0.5 0.5, not "
            f"{' '.join(map(str, normalise))}"
        )
    for name in ("images", "crop_padding"):
        if getattr(zoo, name) < 0:
            raise InputError(f"--zoo.{name.replace('_', '-')} must be at least 0, not {getattr(zoo, name)}")
    netspace = cast(ImageNetSpaceConfig, config.netspace)
    if not 0 < netspace.temperature < float("inf"):
        raise InputError(f"--netspace.temperature must be positive, not {netspace.temperature}")
    if not 0 <= netspace.relative < float("inf"):
        raise InputError(f"--netspace.relative must be 0 or more, not {netspace.relative}")
