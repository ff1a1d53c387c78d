"""Flags that networks for images add to those of every zoo and space."""

import dataclasses
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
    for name in ("images", "crop_padding"):
        if getattr(config.zoo, name) < 0:
            raise InputError(f"--zoo.{name.replace('_', '-')} must be at least 0, not {getattr(config.zoo, name)}")
    netspace = cast(ImageNetSpaceConfig, config.netspace)
    if not 0 < netspace.temperature < float("inf"):
        raise InputError(f"--netspace.temperature must be positive, not {netspace.temperature}")
    if not 0 <= netspace.relative < float("inf"):
        raise InputError(f"--netspace.relative must be 0 or more, not {netspace.relative}")
