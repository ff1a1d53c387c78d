"""Flags that networks for fields add to those of every zoo and space."""

import dataclasses
from typing import Annotated, Literal, cast

import tyro

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError

# Flags that have an effect on some kinds of fields only.
_ONLY = {"points": ("shapes",), "held_pictures": ("pictures",), "views": ("pictures", "signals")}


@dataclasses.dataclass(frozen=True)
class FieldZooConfig(ZooConfig):
    """A population of networks that each hold a shape, a picture or a signal."""

    kind: Literal["shapes", "pictures", "signals"] = "shapes"
    """What the data is."""
    points: int = 16384
    """Training points sampled of each shape, half of them outside and half inside."""
    views: int = 1
    """Networks of each picture or signal, each from an initialisation of its own."""
    held_pictures: int = 0
    """Of the training and validation pictures of a set, so many validate; 0 for those that the set has."""
    data_dir: Annotated[str, tyro.conf.arg(prefix_name=False)] = ""
    """Where image sets that TFDS prepared lie; empty means TFDS's own default."""


@dataclasses.dataclass(frozen=True)
class FieldNetSpaceConfig(NetSpaceConfig):
    """A NetSpace of networks that each hold a field."""

    error: Literal["squared", "absolute"] = "squared"
    """Error between the values of two networks whose mean is minimised; squared in the paper."""


def check(config: RunConfig) -> None:
    """Refuse impossible values of these flags.

    Raises:
      InputError: a value is impossible; the message names the flag and what it has to be.
    """
    zoo = cast(FieldZooConfig, config.zoo)
    for name, minimum in (("points", 2), ("views", 1), ("held_pictures", 0)):
        if getattr(zoo, name) < minimum:
            raise InputError(f"--zoo.{name.replace('_', '-')} must be at least {minimum}, not {getattr(zoo, name)}")
    defaults = {field.name: field.default for field in dataclasses.fields(zoo)}
    for name, kinds in _ONLY.items():
        if zoo.kind not in kinds and getattr(zoo, name) != defaults[name]:
            raise InputError(
                f"--zoo.{name.replace('_', '-')} {getattr(zoo, name)} has no effect on {zoo.kind}: "
                f"leave it at {defaults[name]}"
            )
    for name in ("validation", "test"):
        if zoo.kind == "pictures" and getattr(zoo, name) != defaults[name]:
            raise InputError(
                f"--zoo.{name} {getattr(zoo, name):g} has no effect on pictures, which have the splits of their set: "
                f"leave it at {defaults[name]:g}, or use --zoo.held-pictures"
            )
    if zoo.shared_init and zoo.views > 1:
        raise InputError("--zoo.views are networks that start apart: leave --zoo.shared-init out, or views at 1")
    if config.netspace.teaching == "common":
        raise InputError(
            "--netspace.teaching common needs data that all networks share; each of these is about a field of its own"
        )
