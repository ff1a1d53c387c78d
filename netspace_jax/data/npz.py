"""A user's own images: a local `.npz` (its arrays are described in docs/data.md)."""

import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from netspace_jax.data.splits import (
    Images,
    Splits,
    check_labels,
    check_shape,
    checked,
    count_classes,
    reason,
    stratified,
)
from netspace_jax.errors import InputError
from netspace_jax.memory import refuse_bomb

UNREADABLE = (OSError, EOFError, ValueError, MemoryError, SyntaxError, RuntimeError, TypeError, OverflowError)
"""What opening, unzipping and parsing a file that is damaged, foreign or out of reach raises."""
UNREADABLE += (tokenize.TokenError, zipfile.BadZipFile, zlib.error)


_ALIASES = {"train_images": "x_train", "train_labels": "y_train", "val_images": "x_val", "val_labels": "y_val",
            "test_images": "x_test", "test_labels": "y_test", "images": "x", "labels": "y"}  # fmt: skip
"""Names that MedMNIST and others give."""
_LAYOUT = ("x", "y", *(f"{kind}_{split}" for kind in "xy" for split in ("train", "val", "validation", "test")))
_SEED = 0  # of what is held out of a file without splits: changing it changes what results mean


def read(path: Path, labels_needed: bool = True) -> Splits:
    """The images of a `.npz` with arrays x_train, y_train, x_test, y_test and, if wanted, x_val, y_val.

    Names may have capitals, or be MedMNIST's (train_images, train_labels, …); of x and y alone a stratified sixth is
    for test.

    Args:
      labels_needed: whether labels have to be there and of two classes or more; where not, all images without are of
        one.

    Raises:
      InputError: the file, or one of its arrays, is missing or is not what it should be.
    """
    arrays = _arrays(path)
    if "x" in arrays and "x_train" not in arrays:
        whole = _images(path, arrays, "", labels_needed)
        kept, held = stratified(whole.y, max(len(whole.y) // 6, 1), _SEED)
        arrays = {f"{kind}_{split}": array[rows] for split, rows in (("train", kept), ("test", held))
                  for kind, array in zip("xy", whole, strict=True)}  # fmt: skip
    held = "validation" if {"x_validation", "y_validation"} & arrays.keys() else "val"
    if held == "validation" and {"x_val", "y_val"} & arrays.keys():
        raise InputError(f"{path}: has both val and validation arrays; keep x_val and y_val")
    train = _images(path, arrays, "_train", labels_needed)
    several = labels_needed or train.y.any()
    classes = count_classes(train.y, f"{path}: y_train") if several else 1
    validation = None
    if {f"x_{held}", f"y_{held}"} & arrays.keys():
        validation = _images(path, arrays, f"_{held}", labels_needed)
    test = _images(path, arrays, "_test", labels_needed)
    for split, images in ((held, validation), ("test", test)):
        if images is not None:
            check_shape(images.x, train.x.shape[1:], f"{path}: x_{split}")
            check_labels(images.y, classes, f"{path}: y_{split}")
    return Splits(classes, train, validation, test)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Arrays of the file by the layout's names: only those are read.

    Raises:
      InputError: there is no such file, it cannot be read, or has none of the layout; lists what it has.
    """
    if not path.exists():
        near = sorted(other.name for other in path.parent.glob("*.npz")) if path.parent.is_dir() else []
        raise InputError(f"{path}: no such file" + (f"; its folder has {', '.join(near[:5])}" if near else ""))
    remedy = "write it with numpy.savez_compressed"
    _, held = read_arrays(path, (), remedy)
    names = {name: _ALIASES.get(name.lower(), name.lower()) for name in held}
    arrays, _ = read_arrays(path, [name for name, own in names.items() if own in _LAYOUT], remedy)
    if not arrays:
        raise InputError(
            f"{path}: its arrays are {', '.join(held) or 'none'}; images are x_train, y_train, x_test and y_test, or x "
            "and y (docs/data.md)"
        )
    return {names[name]: array for name, array in arrays.items()}


def read_arrays(path: Path, keys: Iterable[str] | None, remedy: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Those of some arrays that a `.npz` has, or all, and the names of all that it has; nothing is unpickled.

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
            for name in archive.files if keys is None else sorted({*keys} & {*archive.files}):
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


def _images(path: Path, arrays: dict[str, np.ndarray], split: str, labels_needed: bool) -> Images:
    x_name, y_name = f"x{split}", f"y{split}"
    for name in (x_name, y_name):
        if name not in arrays and (labels_needed or name == x_name):
            raise InputError(
                f"{path}: has no array {name}; it has {', '.join(sorted(arrays)) or 'none of the layout'} "
                "(the layout is in docs/data.md)"
            )
    labels = arrays.get(y_name, np.zeros(len(arrays[x_name]), np.int32))
    return checked(arrays[x_name], labels, f"{path}: {x_name}", f"{path}: {y_name}")
