"""The official file formats of CIFAR-10, the MNIST family and Tiny-ImageNet, read without pickle.

CIFAR-10's binary version (https://www.cs.toronto.edu/~kriz/cifar.html), the IDX format of MNIST and its successors, and
Tiny-ImageNet's zip of JPEGs.
"""

import gzip
import io
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import PIL.Image
from jaxtyping import UInt8

from netspace_jax.data.splits import reason
from netspace_jax.errors import InputError

_CIFAR_SHAPE = (32, 32, 3)
_DAMAGED = (OSError, EOFError, KeyError, UnicodeDecodeError, RuntimeError, NotImplementedError, tarfile.TarError,
            zipfile.BadZipFile, zlib.error, struct.error)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Damage found while reading `path` becomes an InputError that names it."""
    try:
        yield
    except _DAMAGED as error:
        raise InputError(f"{path}: cannot be read ({reason(error)}); download it again") from error


Labelled = tuple[UInt8[np.ndarray, "n h w *c"], UInt8[np.ndarray, "n"]]


def read_cifar10(path: Path) -> tuple[list[str], dict[str, Labelled]]:
    """Names of the classes, and images and labels of `train` and `test` in the official order.

    Raises:
      InputError: the archive is damaged, or is not the binary version.
    """
    blocks: dict[str, bytes] = {}
    with _reading(path), tarfile.open(path, "r:gz") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                blocks[member.name.rsplit("/", 1)[-1]] = file.read()
    parts = {"train": [f"data_batch_{i}.bin" for i in range(1, 6)], "test": ["test_batch.bin"]}
    absent = [name for name in ("batches.meta.txt", *parts["train"], *parts["test"]) if name not in blocks]
    if absent:
        raise InputError(f"{path}: has no {absent[0]}; give the binary version of CIFAR-10")
    names = blocks["batches.meta.txt"].decode("ascii", "replace").split()
    record = 1 + int(np.prod(_CIFAR_SHAPE))  # the label, then the red, green and blue planes
    splits = {}
    for split, files in parts.items():
        for name in files:
            if not blocks[name] or len(blocks[name]) % record:
                raise InputError(f"{path}: {name} has {len(blocks[name])} bytes, not a multiple of {record}; "
                                 "download it again")
        records = np.frombuffer(b"".join(blocks[name] for name in files), np.uint8).reshape(-1, record)
        height, width, channels = _CIFAR_SHAPE
        x = records[:, 1:].reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
        splits[split] = np.ascontiguousarray(x), _labels(records[:, 0], len(names), f"{path}: {split}")
    return names, splits


def read_idx(images: Path, labels: Path, size: tuple[int, int], classes: int) -> Labelled:
    """Images, of `size` pixels, and labels of one split of the MNIST family.

    Raises:
      InputError: a file is damaged or no IDX file of bytes, or there are more of one than of the other.
    """
    x, y = _idx(images, 3), _idx(labels, 1)
    if x.shape[1:] != size:
        raise InputError(f"{images}: has images of {x.shape[1]}×{x.shape[2]}, not {size[0]}×{size[1]}; "
                         "download it again")
    if len(x) != len(y) or not len(x):
        raise InputError(f"{labels}: has {len(y)} labels for the {len(x)} images of {images.name}; download both again")
    return x, _labels(y, classes, str(labels))


def _idx(path: Path, dimensions: int) -> UInt8[np.ndarray, "..."]:
    with _reading(path), gzip.open(path) as file:
        content = file.read()
    start = 4 + 4 * dimensions
    if len(content) < start or content[:4] != bytes((0, 0, 8, dimensions)):  # 8: unsigned bytes
        raise InputError(f"{path}: not an IDX file of bytes in {dimensions} dimensions; download it again")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != int(np.prod(shape, dtype=object)):
        raise InputError(f"{path}: has {len(content) - start} bytes for shape {shape}; download it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _labels(y: UInt8[np.ndarray, "n"], classes: int, where: str) -> UInt8[np.ndarray, "n"]:
    if y.max() >= classes:
        raise InputError(f"{where} holds label {y.max()}, first at {int(np.argmax(y >= classes))}; "
                         f"the {classes} classes are 0 to {classes - 1}")
    return y


Members = list[tuple[str, int]]  # path in the zip and label of each image


def tiny_imagenet_index(path: Path) -> tuple[list[str], dict[str, Members]]:
    """Names (WordNet ids) of Tiny-ImageNet's classes, and where its `train` and `validation` images lie in its zip.

    Raises:
      InputError: the zip is damaged, or lacks its lists or images.
    """
    with _reading(path), zipfile.ZipFile(path) as archive:
        files = archive.namelist()
        root = next((name.removesuffix("wnids.txt") for name in files if name.rsplit("/", 1)[-1] == "wnids.txt"), None)
        if root is None:
            raise InputError(f"{path}: has no wnids.txt; give tiny-imagenet-200.zip")
        classes = sorted(archive.read(f"{root}wnids.txt").decode().split())
        annotations = archive.read(f"{root}val/val_annotations.txt").decode().splitlines()
    pattern = re.compile(re.escape(root) + r"train/(\w+)/images/\1_(\d+)\.JPEG")
    train = sorted((match[1], int(match[2]), match[0]) for match in map(pattern.fullmatch, files) if match)
    rows = [line.split() for line in annotations if line.strip()]
    found = {"train": [(name, wnid) for wnid, _, name in train],
             "validation": [(f"{root}val/images/{name}", wnid) for name, wnid, *_ in rows]}
    labels = {wnid: label for label, wnid in enumerate(classes)}
    for split, members in found.items():
        unknown = sorted({wnid for _, wnid in members} - labels.keys())
        if unknown:
            raise InputError(f"{path}: its {split} class {unknown[0]} is not in wnids.txt; download it again")
        if not members:
            raise InputError(f"{path}: has no {split} images; download it again")
    return classes, {split: [(name, labels[wnid]) for name, wnid in members] for split, members in found.items()}


def tiny_imagenet_images(path: Path, members: Members, size: tuple[int, int]) -> Iterator[tuple[bytes, int]]:
    """JPEG and label of each image; those that are not RGB (some are grey) are written anew as RGB PNGs.

    Raises:
      InputError: an image is missing, damaged or not of `size` pixels.
    """
    with _reading(path), zipfile.ZipFile(path) as archive:
        for name, label in members:
            content = archive.read(name)
            with PIL.Image.open(io.BytesIO(content)) as image:
                if (image.height, image.width) != size:
                    raise InputError(f"{path}: {name} is {image.height}×{image.width}, not {size[0]}×{size[1]}; "
                                     "download it again")
                if image.mode != "RGB":
                    content = png(np.asarray(image.convert("RGB")))
            yield content, label


def png(image: UInt8[np.ndarray, "h w *c"]) -> bytes:
    """One image, grey or RGB, as a PNG."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
