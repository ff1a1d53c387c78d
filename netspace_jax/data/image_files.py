"""Images in files of any kind that Pillow reads, and folders of them."""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from netspace_jax.data.splits import Images, Splits, reason, stratified
from netspace_jax.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
_SPLITS = {"train": "train", "val": "validation", "validation": "validation", "test": "test"}
_GREY = ("1", "L", "LA", "La")
_SEED = 0  # of the split of a folder that has none: changing it changes what results mean
_NAMED = 5  # files that a message names


def read_image(path: Path, size: tuple[int, ...] = ()) -> UInt8[np.ndarray, "h w *channels"]:
    """The pixels of a file: [h, w] of a grey one, [h, w, 3] of others, palettes included.

    Sixteen bits become eight, and what is transparent lies on white.

    Args:
      size: height and width, where it is to be resized.

    Raises:
      InputError: it cannot be read, or its pixels are of no such kind.
    """
    try:
        with PIL.Image.open(path) as image:
            if image.mode == "F" or image.mode.startswith("I"):
                image = _eight_bits(path, np.asarray(image))
            grey = image.mode in _GREY
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image)
            image = image.convert("L" if grey else "RGB")
            if size and image.size != size[::-1]:
                image = image.resize((size[1], size[0]), PIL.Image.Resampling.LANCZOS)
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise InputError(f"{path} cannot be read as an image ({reason(error)})") from error


def _eight_bits(path: Path, pixels: np.ndarray) -> PIL.Image.Image:
    if pixels.dtype.kind == "f" or pixels.min() < 0 or pixels.max() > 2**16 - 1:
        raise InputError(f"{path}: its pixels are from {pixels.min():g} to {pixels.max():g}; save them as 8 or 16 bits")
    return PIL.Image.fromarray(np.rint(pixels / 257).astype(np.uint8))


def has_images(folder: Path) -> bool:
    """Whether images lie in a folder, in its folders, or in those of its folders train and test."""
    places = [folder, *_below(folder)]
    places += [place for split in _below(folder) if split.name.lower() in _SPLITS for place in _below(split)]
    return any(True for place in places for _ in _files(place))


def read_folder(folder: Path, size: tuple[int, ...] = ()) -> Splits:
    """The images of a folder; its folders, if they hold images, are the classes; `train` and `test` are its splits.

    Without these a stratified sixth is for test. All are grey, or all in colours where one is. Files that cannot be
    read, and those of another size than most where none is asked for, are named and left out.

    Args:
      size: height and width that images are resized to.

    Raises:
      InputError: there are no images, or they have many sizes and none is asked for.
    """
    parts = {_SPLITS[place.name.lower()]: place for place in _below(folder) if place.name.lower() in _SPLITS}
    if "train" not in parts or len(parts) < 2:
        parts = {"": folder}
    names = sorted({place.name for part in parts.values() for place in _below(part) if any(_files(place))})
    rows: list[tuple[str, int, Path]] = []
    for split, part in parts.items():
        rows += [(split, 0, path) for path in _files(part)] if not names else []
        rows += [(split, names.index(place.name), path) for place in _below(part) if place.name in names
                 for path in _files(place)]  # fmt: skip
    if names and any(_files(part) for part in parts.values()):
        logging.warning("%s: images beside the folders of classes (%s) are not looked at", folder, ", ".join(names[:5]))
    kept, pixels = _alike(folder, rows, size)
    labels = np.array([label for _, label, _ in kept], np.int32)
    splits = np.array([split for split, _, _ in kept])
    if "" in parts:
        splits = np.full(len(kept), "train", "U10")
        splits[stratified(labels, max(len(kept) // 6, 1), _SEED)[1]] = "test"
    if not {"train", "test"} <= {*splits.tolist()}:
        splits[splits == "validation"] = "test"
    by_split = {name: Images(pixels[splits == name], labels[splits == name]) for name in sorted({*splits.tolist()})}
    if not {"train", "test"} <= by_split.keys():
        raise InputError(f"{folder}: {len(kept)} images are too few to train and to test with; give more")
    return Splits(max(len(names), 1), by_split["train"], by_split.get("validation"), by_split["test"])


def _below(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES and path.is_file())


def _alike(
    folder: Path, rows: list[tuple[str, int, Path]], size: tuple[int, ...]
) -> tuple[list[tuple[str, int, Path]], UInt8[np.ndarray, "n h w c"]]:
    """Those that can be read and are of one size, and their pixels."""
    read, faults = [], []
    for row in rows:
        try:
            read.append((row, read_image(row[2], size)))
        except InputError as error:
            faults.append(str(error))
    if not read:
        raise InputError(f"{folder}: none of its {len(rows)} images can be read; the first: {faults[0]}")
    sizes = Counter(image.shape[:2] for _, image in read)
    (height, width), count = sizes.most_common(1)[0]
    if count <= len(read) / 2:
        largest = ", ".join(f"{h}×{w}" for (h, w), _ in sizes.most_common(_NAMED))
        raise InputError(f"{folder}: its images have {len(sizes)} sizes ({largest}): --zoo.size resizes them to one")
    faults += [
        f"{row[2]} is {image.shape[0]}×{image.shape[1]}, most are {height}×{width} (--zoo.size resizes all)"
        for row, image in read
        if image.shape[:2] != (height, width)
    ]
    if faults:
        named = "; ".join(faults[:_NAMED])
        logging.warning("%s: %d of %d images left out: %s", folder, len(faults), len(rows), named)
    read = [(row, image) for row, image in read if image.shape[:2] == (height, width)]
    return [row for row, _ in read], stacked([image for _, image in read])


def stacked(images: list[UInt8[np.ndarray, "h w *channels"]]) -> UInt8[np.ndarray, "n h w c"]:
    """Images of one size together: with one channel where all are grey, else with three."""
    if all(image.ndim == 2 for image in images):
        return np.stack(images)[..., None]
    return np.stack([image if image.ndim == 3 else np.stack([image] * 3, -1) for image in images])
