"""Images with labels, and the checks that every source of them shares."""

import dataclasses
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from netspace_jax.errors import InputError


class Images(NamedTuple):
    """Labelled images.

    Attributes:
      x: uint8 [n, h, w, c], pixels from 0 to 255.
      y: int32 [n], class of each image, from 0.
    """

    x: np.ndarray
    y: np.ndarray


@dataclasses.dataclass(frozen=True)
class Splits:
    """A source's images before anything is held out; `validation` is None where the source has none."""

    classes: int
    train: Images
    validation: Images | None
    test: Images


def checked(x: np.ndarray, y: np.ndarray, x_name: str, y_name: str) -> Images:
    """Images and labels that are what they should be: uint8 [n, h, w, c] and int32 [n].

    Grey images may come without a channel axis, pixels as any kind of integer or as whole numbers stored as floating
    point, and labels with an axis of one.

    Raises:
      InputError: they are something else; the message names the array.
    """
    if x.dtype.kind == "f" and x.size and 1 < x.max() <= 255 and x.min() >= 0 and (x == np.rint(x)).all():
        x = x.astype(np.uint8)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if x.dtype.kind not in "iu":
        if x.dtype.kind in "fc" and not np.isfinite(x).all():
            place = int(np.argwhere(~np.isfinite(x))[0, 0]) if x.ndim else 0
            raise InputError(f"{x_name} holds NaN or infinity, first in image {place}; give whole pixels from 0 to 255")
        raise InputError(f"{x_name} is {x.dtype}{_range(x)}; give uint8 pixels from 0 to 255")
    if x.ndim == 3:
        x = x[..., None]
    if x.ndim != 4 or x.shape[3] not in (1, 3):
        raise InputError(
            f"{x_name} has shape {x.shape}; give (images, height, width), or (images, height, width, "
            "channels) with 1 or 3 channels"
        )
    if x.size == 0:
        raise InputError(f"{x_name} is empty: its shape is {x.shape}; give at least one image")
    if x.dtype != np.uint8:
        if x.min() < 0 or x.max() > 255:
            raise InputError(f"{x_name} is {x.dtype}{_range(x)}; give uint8 pixels from 0 to 255")
        x = x.astype(np.uint8)
    if y.dtype.kind not in "iu":
        raise InputError(f"{y_name} is {y.dtype}; give labels as integers from 0")
    if y.shape != x.shape[:1]:
        raise InputError(f"{y_name} has shape {y.shape}; give one label for each of the {len(x)} images of {x_name}")
    if y.min() < 0:
        raise InputError(f"{y_name} holds {y.min()}, first at {int(np.argmax(y < 0))}; give labels from 0")
    if y.max() > np.iinfo(np.int32).max:
        raise InputError(f"{y_name} holds {y.max()}, first at {int(np.argmax(y))}; give labels from 0 to classes - 1")
    return Images(x, y.astype(np.int32))


def _range(x: np.ndarray) -> str:
    return f" from {x.min():g} to {x.max():g}" if x.size and x.dtype.kind in "iuf" else ""


def count_classes(y: Int[np.ndarray, "n"], name: str) -> int:
    """Number of classes of training labels, which must use every number from 0 on.

    Raises:
      InputError: there are fewer than two classes, or a number is left out (labels that count from 1, say).
    """
    found = np.unique(y)
    if len(found) < 2:
        raise InputError(f"{name} holds one class only ({found[0]}); give at least two")
    if found[-1] != len(found) - 1:
        absent = int(np.argmax(found != np.arange(len(found))))
        raise InputError(
            f"{name} goes up to {found[-1]} but no image has label {absent}; number the classes from 0 without gaps"
        )
    return len(found)


def check_labels(y: Int[np.ndarray, "n"], classes: int, name: str) -> None:
    """Refuse labels that are no class.

    Raises:
      InputError: a label is not among 0 to classes - 1.
    """
    if y.max() >= classes:
        raise InputError(
            f"{name} holds {y.max()}, first at {int(np.argmax(y >= classes))}; "
            f"the {classes} classes are 0 to {classes - 1}"
        )


def check_shape(x: UInt8[np.ndarray, "n h w c"], shape: tuple[int, ...], name: str) -> None:
    """Refuse images of another size than the training images.

    Raises:
      InputError: height, width or channels differ.
    """
    if x.shape[1:] != shape:
        raise InputError(
            f"{name} has images of {_times(x.shape[1:])}, the training images have {_times(shape)}; give one size"
        )


def reason(error: BaseException) -> str:
    """Message of an error, in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def stratified(
    y: Int[np.ndarray, "n"], count: int, seed: int
) -> tuple[Int[np.ndarray, "kept"], Int[np.ndarray, "held"]]:
    """Rows to keep and `count` rows to hold out, in their old order; each class gives its share, within one image.

    Each class is shuffled and spread evenly over (0, 1); the `count` lowest rows are held out. Drawn with NumPy's
    frozen RandomState, so that a seed means the same rows with every version.
    """
    order = np.random.RandomState(seed).permutation(len(y))
    place = np.empty(len(y))
    for label in np.unique(y):
        members = order[y[order] == label]
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    ranked = order[np.argsort(place[order], kind="stable")]
    return np.sort(ranked[count:]), np.sort(ranked[:count])
