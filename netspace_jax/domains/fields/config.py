"""Flags that networks for fields add to those of every zoo and space."""

import dataclasses
from typing import Annotated, Literal, cast

import tyro
from annotated_types import Interval

from netspace_jax.config import NetSpaceConfig, RunConfig, ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.memory import refuse_beyond
from netspace_jax.rules import MOST, Count, Natural, Unless

_SHAPE = 16 * 50_000  # bytes of a shape's other points
_SIGNAL = 16 * 2000  # bytes of a sine


@dataclasses.dataclass(frozen=True)
class FieldZooConfig(ZooConfig):
    """A population of networks that each hold a shape, a picture or a signal."""

    kind: Literal["shapes", "pictures", "signals"] = "shapes"
    """Kind of the data."""
    points: Annotated[int, Interval(ge=2, le=MOST), Unless("kind", "pictures", "signals")] = 16384
    """Training points sampled of each shape, half of them outside and half inside."""
    views: Annotated[Count, Unless("kind", "shapes")] = 1
    """Networks of each picture or signal, all in one split, each from an initialisation of its own."""
    label: Annotated[str, Unless("kind", "shapes", "pictures")] = ""
    """Column of a table of series that says the class of each."""
    time: Annotated[str, Unless("kind", "shapes", "pictures")] = ""
    """Column of times in tables with a column a channel; one called time, timestamp, datetime, date or t is found."""
    series_column: Annotated[str, Unless("kind", "shapes", "pictures")] = ""
    """Column that names the series of each row, where a table has several series one below the other."""
    redraw_splits: Annotated[bool, Unless("kind", "shapes", "pictures")] = False
    """Draw the splits of a set of series anew, although it says which are for test."""
    size: Annotated[tuple[Count, ...], Unless("kind", "shapes", "signals")] = ()
    """Height and width that the pictures of a folder are resized to, or one number for both."""
    held_pictures: Annotated[Natural, Unless("kind", "shapes", "signals")] = 0
    """Of the training and validation pictures of a set, so many validate; 0 for those that the set has."""
    data_dir: Annotated[str, tyro.conf.arg(prefix_name=False)] = ""
    """Where image sets that TFDS prepared lie; empty means TFDS's own default."""


@dataclasses.dataclass(frozen=True)
class FieldNetSpaceConfig(NetSpaceConfig):
    """A NetSpace of networks that each hold a field."""

    error: Literal["squared", "absolute"] = "squared"
    """Error between the values of two networks whose mean is minimised; squared in the paper."""


def check(config: RunConfig) -> None:
    """Refuse combinations of these flags that cannot be.

    Raises:
      InputError: a value is impossible; the message names the flag and what it has to be.
    """
    zoo = cast(FieldZooConfig, config.zoo)
    defaults = {field.name: field.default for field in dataclasses.fields(zoo)}
    for name in ("validation", "test"):
        if zoo.kind == "pictures" and getattr(zoo, name) != defaults[name]:
            raise InputError(
                f"--zoo.{name} {getattr(zoo, name):g} has no effect on pictures, which have the splits of their set: "
                f"leave it at {defaults[name]:g}, or use --zoo.held-pictures"
            )
    if len(zoo.size) > 2:
        raise InputError(f"--zoo.size is a height and a width, or one number for both, not {len(zoo.size)} numbers")
    if zoo.shared_init and zoo.views > 1:
        raise InputError("--zoo.views are networks that start apart: leave --zoo.shared-init out, or views at 1")
    if config.netspace.teaching == "common":
        raise InputError(
            "--netspace.teaching common needs data that all networks share; each of these is about a field of its own"
        )
    made = zoo.members[0] if zoo.dataset in ("chairs", "sines") else 1  # of data that exists, as much as there is
    if zoo.kind == "shapes":
        refuse_beyond(made * (32 * zoo.points + _SHAPE), "the points of all shapes", "lower --zoo.points")
    else:
        refuse_beyond(made * _SIGNAL, "the signals", "lower --zoo.members")
