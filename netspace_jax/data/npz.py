"""A user's own images: a local `.npz` (its arrays are described in docs/data.md)."""

import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from netspace_jax.data.splits import Images, Splits, check_labels, check_shape, checked, count_classes, reason
from netspace_jax.errors import InputError
from netspace_jax.memory import refuse_bomb

UNREADABLE = (OSError, EOFError, ValueError, MemoryError, SyntaxError, RuntimeError, TypeError, OverflowError)
"""What opening, unzipping and parsing a file that is damaged, foreign or out of reach raises."""
UNREADABLE += (tokenize.TokenError, zipfile.BadZipFile, zlib.error)


def read(path: Path) -> Splits:
    """The images of a `.npz` with arrays x_train, y_train, x_test, y_test and, if wanted, x_val, y_val.

    Raises:
      InputError: the file, or one of its arrays, is missing or is not what it should be.
    """
    arrays = _arrays(path)
    held = "validation" if {"x_validation", "y_validation"} & arrays.keys() else "val"
    if held == "validation" and {"x_val", "y_val"} & arrays.keys():
        raise InputError(f"{path}: has both val and validation arrays; keep x_val and y_val")
    train = _images(path, arrays, "train")
    classes = count_classes(train.y, f"{path}: y_train")
    validation = _images(path, arrays, held) if {f"x_{held}", f"y_{held}"} & arrays.keys() else None
    test = _images(path, arrays, "test")
    for split, images in ((held, validation), ("test", test)):
        if images is not None:
            check_shape(images.x, train.x.shape[1:], f"{path}: x_{split}")
            check_labels(images.y, classes, f"{path}: y_{split}")
    return Splits(classes, train, validation, test)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of the file by name: only those of the layout are read."""
    keys = {f"{kind}_{split}" for kind in "xy" for split in ("train", "val", "validation", "test")}
    if not path.exists():
        near = sorted(other.name for other in path.parent.glob("*.npz")) if path.parent.is_dir() else []
        raise InputError(f"{path}: no such file" + (f"; its folder has {', '.join(near[:5])}" if near else ""))
    return read_arrays(path, keys, "write it with numpy.savez_compressed")[0]


def read_arrays(path: Path, keys: Iterable[str], remedy: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Those of some arrays that a `.npz` has, and the names of all that it has; nothing is unpickled.

    Raises:
      InputError: the file or one of the arrays cannot be read; names it and says why, and the remedy.
    """
    name, arrays = "the file", {}
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise InputError(f"{path}: not an .npz, or cut short; {remedy}")
        refuse_bomb(path)
        with np.load(path, allow_pickle=False) as archive:
            for name in sorted({*keys} & {*archive.files}):
                arrays[name] = archive[name]
            names = archive.files
    except InputError:
        raise
    except UNREADABLE as error:
        if "allow_pickle" in str(error):
            raise InputError(
                f"{path}: {name} holds Python objects, for which pickle would be needed; save numbers"
            ) from error
        raise InputError(f"{path}: {name} cannot be read ({reason(error)}); {remedy}") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # a member without NumPy's header comes as bytes
            raise InputError(f"{path}: {name} is not a NumPy array; {remedy}")
    return arrays, names


def _images(path: Path, arrays: dict[str, np.ndarray], split: str) -> Images:
    for name in (f"x_{split}", f"y_{split}"):
        if name not in arrays:
            raise InputError(
                f"{path}: has no array {name}; it has {', '.join(sorted(arrays)) or 'none of the layout'} "
                "(the layout is in docs/data.md)"
            )
    return checked(arrays[f"x_{split}"], arrays[f"y_{split}"], f"{path}: x_{split}", f"{path}: y_{split}")
