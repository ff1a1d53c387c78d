"""Flags that networks for shapes add to those of every zoo and space."""

import dataclasses

from netspace_jax.config import RunConfig, ZooConfig
from netspace_jax.errors import InputError


@dataclasses.dataclass(frozen=True)
class FieldZooConfig(ZooConfig):
    """A population of networks that each hold a shape."""

    points: int = 16384
    """Training points sampled of each shape, half of them outside and half inside."""


def check(config: RunConfig) -> None:
    """Refuse what these flags cannot be.

    Raises:
      InputError: names the flag and what it has to be.
    """
    if config.zoo.points < 2:
        raise InputError(f"--zoo.points must be at least 2, not {config.zoo.points}")
    if config.netspace.teaching == "common":
        raise InputError(
            "--netspace.teaching common needs data that all networks share; each of these is about a shape"
        )
