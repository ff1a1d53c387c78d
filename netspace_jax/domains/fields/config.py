"""Flags that networks for shapes add to those of every zoo and space."""

import dataclasses
from typing import Literal, cast

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class FieldZooConfig(ZooConfig):
    """A population of networks that each hold a shape."""

    points: int = 16384
    """Training points sampled of each shape, half of them outside and half inside."""


@dataclasses.dataclass(frozen=True)
class FieldNetSpaceConfig(NetSpaceConfig):
    """A NetSpace of networks that each hold a shape."""

    error: Literal["squared", "absolute"] = "squared"
    """Error between the values of two networks whose mean is minimised; squared in the paper."""


def check(config: RunConfig) -> None:
    """Refuse impossible values of these flags.

    Raises:
      InputError: a value is impossible; the message names the flag and what it has to be.
    """
    points = cast(FieldZooConfig, config.zoo).points
    if points < 2:
        raise InputError(f"--zoo.points must be at least 2, not {points}")
    if config.netspace.teaching == "common":
        raise InputError(
            "--netspace.teaching common needs data that all networks share; each of these is about a shape"
        )
