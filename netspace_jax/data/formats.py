"""The official archives of CIFAR-10, the MNIST family and Tiny-ImageNet, read without pickle.

A reader takes the archives and gives the names of the classes and, for each split, images as the bytes of a PNG or JPEG
with their labels, in the official order. An archive that is damaged or foreign raises an InputError that names it.
"""

import gzip
import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from netspace_jax.data.splits import check_labels, checked, reason
from netspace_jax.errors import InputError

Examples = Iterable[tuple[bytes, int]]

# What opening, unpacking and parsing a damaged or foreign file raises.
_DAMAGED = (OSError, EOFError, KeyError, ValueError, RuntimeError, tarfile.TarError, zipfile.BadZipFile, zlib.error)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What is found wrong while reading `path` becomes an InputError that names it."""
    try:
        yield
    except _DAMAGED as error:
        raise InputError(f"{path}: cannot be used ({reason(error)}); get the official file again") from error


def read_cifar10(path: Path) -> tuple[Sequence[str], dict[str, Examples]]:
    """CIFAR-10 from its binary version: records of a label and the red, green and blue planes."""
    root, splits = "cifar-10-batches-bin", {}
    with _reading(path), tarfile.open(path) as archive:
        names = _content(archive, f"{root}/batches.meta.txt").decode().split()
        for split, files in (("train", [f"data_batch_{i}.bin" for i in range(1, 6)]), ("test", ["test_batch.bin"])):
            content = b"".join(_content(archive, f"{root}/{file}") for file in files)
            records = np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32)
            x = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            splits[split] = _examples(x, records[:, 0], names)
    return names, splits


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is not a file")
    return file.read()


def read_mnist(names: Sequence[str], *paths: Path) -> tuple[Sequence[str], dict[str, Examples]]:
    """A set of the MNIST family from its four IDX files: images and labels of train, images and labels of test."""
    splits = {}
    for split, images, labels in zip(("train", "test"), paths[::2], paths[1::2], strict=True):
        x, y = _read_idx(images, (28, 28)), _read_idx(labels, ())
        with _reading(labels):
            splits[split] = _examples(x, y, names)
    return names, splits


def _read_idx(path: Path, size: tuple[int, ...]) -> UInt8[np.ndarray, "n ..."]:
    with _reading(path), gzip.open(path) as file:
        magic, *shape = np.frombuffer(file.read(8 + 4 * len(size)), ">u4").tolist()
        if magic != 0x0801 + len(size) or tuple(shape[1:]) != size:  # 08: unsigned bytes; 01: an array of one dimension
            raise ValueError(f"not an IDX file of {'images of 28×28 bytes' if size else 'labels'}")
        return np.frombuffer(file.read(), np.uint8).reshape(shape)


def _examples(x: np.ndarray, y: np.ndarray, names: Sequence[str]) -> Examples:
    y = checked(x, y, "the image array", "the label array").y
    check_labels(y, len(names), "the label array")
    return ((png(image), int(label)) for image, label in zip(x, y, strict=True))


def read_tiny_imagenet(path: Path) -> tuple[Sequence[str], dict[str, Examples]]:
    """Tiny-ImageNet from its zip; the official test images have no labels and are left out."""
    root = "tiny-imagenet-200"
    with _reading(path), zipfile.ZipFile(path) as archive:
        names = sorted(archive.read(f"{root}/wnids.txt").decode().split())
        annotations = archive.read(f"{root}/val/val_annotations.txt").decode().splitlines()
        found = map(re.compile(rf"{root}/train/(\w+)/images/\w+_(\d+)\.JPEG").fullmatch, archive.namelist())
        train = sorted((match[1], int(match[2]), match[0]) for match in found if match)
        splits = {
            "train": [(file, name) for name, _, file in train],
            "validation": [(f"{root}/val/images/{file}", name) for file, name, *_ in map(str.split, annotations)],
        }
        for split, images in splits.items():
            if {name for _, name in images} != set(names):
                raise ValueError(f"its {split} images are not of the classes in wnids.txt")
    return names, {split: _read_jpegs(path, images, names) for split, images in splits.items()}


def _read_jpegs(path: Path, images: list[tuple[str, str]], names: Sequence[str]) -> Examples:
    """JPEG and label of each image; those that are not RGB (some are grey) are written anew as RGB PNGs."""
    with _reading(path), zipfile.ZipFile(path) as archive:
        for file, name in images:
            content = archive.read(file)
            with PIL.Image.open(io.BytesIO(content)) as image:
                if image.size != (64, 64):
                    raise ValueError(f"{file} is {image.height}×{image.width}, not 64×64")
                if image.mode != "RGB":
                    content = png(np.asarray(image.convert("RGB")))
            yield content, names.index(name)


def png(image: UInt8[np.ndarray, "h w *c"]) -> bytes:
    """One image, grey or RGB, as a PNG file."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


_CLOTHES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
READERS = {
    "cifar10": read_cifar10,
    "fashion_mnist": partial(read_mnist, _CLOTHES.split(",")),
    "kmnist": partial(read_mnist, ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]),
    "mnist": partial(read_mnist, list("0123456789")),
    "tiny_imagenet": read_tiny_imagenet,
}
