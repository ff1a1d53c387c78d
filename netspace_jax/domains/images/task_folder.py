"""A folder of data sets, one for each task: a `.npz`, or a folder with a folder of images for each class.

Examples of a new task lie in the same way.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped

from netspace_jax.data import examples
from netspace_jax.data.image_files import SUFFIXES, read_image, stacked
from netspace_jax.data.npz import read_arrays
from netspace_jax.data.splits import Images, check_shape, checked, count_classes, stratified
from netspace_jax.domains.images.dataset import Classification
from netspace_jax.errors import InputError

FEWEST = 6
"""Images of a task, at least: a sixth of them validates, and a sixth tests."""

_LAYOUT = "give one .npz with x and y, or one folder with a folder of images for each class, for each task"
_SEED = 0  # of the split of each task's images: changing it changes what results mean


class DataSet(NamedTuple):
    """The images of one task.

    Attributes:
      classes: names of its classes.
    """

    name: str
    images: Images
    classes: tuple[str, ...]


class Pool(NamedTuple):
    """The images of all tasks, one after another, in one split.

    Attributes:
      rows: which each task has. For training those of the largest task; a smaller one has its own more than once. Else
        as many as the smallest has.
    """

    images: Images
    rows: Int[np.ndarray, "task n"]


def read_sets(folder: str, count: int) -> list[DataSet]:
    """The first `count` data sets of a folder, by their names.

    Raises:
      InputError: there is none, one cannot be read, or two differ in the shape of their images or in their classes.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise InputError(f"{folder}: no such folder; {_LAYOUT}")
    found = [path for path in sorted(place.iterdir()) if not path.name.startswith(".")]
    found = [path for path in found if path.is_dir() or path.suffix == ".npz"]
    if not found:
        raise InputError(f"{folder} holds no data sets: {_LAYOUT}")
    sets = [_read_folder(path) if path.is_dir() else _read_npz(path) for path in found[:count]]
    first = sets[0]
    for path, one in zip(found, sets, strict=False):
        if one.images.x.shape[1:] != first.images.x.shape[1:]:
            check_shape(one.images.x, first.images.x.shape[1:], f"{path}, beside {found[0].name},")
        if one.classes != first.classes:
            raise InputError(
                f"{path} has the classes {', '.join(one.classes)}, and {found[0].name} has {', '.join(first.classes)}: "
                f"give all tasks the same classes"
            )
        if len(one.images.y) < FEWEST:
            raise InputError(f"{path} has {len(one.images.y)} images; give at least {FEWEST}")
    return sets


def read_examples(
    behaviour: Classification, path: Path
) -> tuple[Shaped[np.ndarray, "n *input"], Shaped[np.ndarray, "n"]]:
    """Examples of one task: a folder with a folder of images for each class, or some of them; or a `.npz`.

    The first ones are of as many classes as there are: one of each, then a second of each, and so on.

    Raises:
      InputError: there is no such thing, it cannot be read, or a folder is named by no class.
    """
    if not path.is_dir():
        return examples.read_examples(path, behaviour.input_shape)
    names = behaviour.class_names or tuple(map(str, range(behaviour.classes)))
    places = _class_folders(path)
    if not places:
        raise InputError(f"{path} holds no folders of images; give one for each class, named {', '.join(names)}")
    for place in places:
        if place.name not in names:
            raise InputError(f"{place}: {place.name!r} is no class; name folders by the classes {', '.join(names)}")
    x, y = _read_classes(path, places)
    if x.shape[3] > behaviour.input_shape[2]:  # a grey image may be saved in colours
        x = np.rint(x.mean(3, keepdims=True)).astype(np.uint8)
    turn = np.concatenate([np.arange(count) for count in np.bincount(y)])
    order = np.lexsort((y, turn))
    return x[order], np.array([names.index(place.name) for place in places])[y[order]]


def pools(sets: list[DataSet]) -> dict[str, Pool]:
    """Images of all tasks by split: of each task a sixth validates and a sixth tests, stratified by class."""
    parts: dict[str, list[Images]] = {"train": [], "validation": [], "test": []}
    for one in sets:
        x, y = one.images
        rest, test = stratified(y, len(y) // FEWEST, _SEED)
        train, validation = (rest[rows] for rows in stratified(y[rest], len(y) // FEWEST, _SEED))
        mixed = np.random.default_rng(_SEED).permutation(train)  # probes are the first ones
        for split, rows in (("train", mixed), ("validation", validation), ("test", test)):
            parts[split].append(Images(x[rows], y[rows]))
    return {split: _pool(images, max if split == "train" else min) for split, images in parts.items()}


def _pool(images: list[Images], of_counts) -> Pool:
    counts = np.array([len(one.y) for one in images])
    places = np.arange(of_counts(counts))[None] % counts[:, None]
    rows = places + (np.cumsum(counts) - counts)[:, None]
    return Pool(Images(*(np.concatenate(column) for column in zip(*images, strict=True))), rows.astype(np.int32))


def _read_npz(path: Path) -> DataSet:
    arrays, names = read_arrays(path, ("x", "y"), "write it with numpy.savez_compressed")
    for name in ("x", "y"):
        if name not in arrays:
            raise InputError(f"{path}: has no array {name}; it has {', '.join(names) or 'none'}: {_LAYOUT}")
    images = checked(arrays["x"], arrays["y"], f"{path}: x", f"{path}: y")
    classes = count_classes(images.y, f"{path}: y")
    return DataSet(path.stem, images, tuple(map(str, range(classes))))


def _read_folder(folder: Path) -> DataSet:
    places = _class_folders(folder)
    if len(places) < 2:
        raise InputError(f"{folder} has {len(places)} folders of images, one for each class, and needs at least two")
    return DataSet(folder.name, _read_classes(folder, places), tuple(place.name for place in places))


def _class_folders(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def _read_classes(folder: Path, places: list[Path]) -> Images:
    """The images of folders, one for each class, whose labels are numbers in their order."""
    pixels, labels = [], []
    for label, place in enumerate(places):
        files = [path for path in sorted(place.iterdir()) if path.suffix.lower() in SUFFIXES]
        if not files:
            raise InputError(f"{place} has no images ({', '.join(SUFFIXES)})")
        pixels += [read_image(path) for path in files]
        labels += [label] * len(files)
    shape = pixels[0].shape
    if any(image.shape[:2] != shape[:2] for image in pixels):
        raise InputError(f"{folder} has images of several sizes; give one size")
    return checked(stacked(pixels), np.array(labels), f"{folder}: images", f"{folder}: labels")
