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
        what = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: cannot be read ({what}); download it again") from error


def read_cifar10(path: Path) -> tuple[list[str], dict[str, tuple[UInt8[np.ndarray, "n h w c"], UInt8[np.ndarray, "n"]]]]:
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
                raise InputError(f"{path}: {name} has {len(blocks[name])} bytes, not a multiple of {record}; download it again")
        records = np.frombuffer(b"".join(blocks[name] for name in files), np.uint8).reshape(-1, record)
        height, width, channels = _CIFAR_SHAPE
        x = records[:, 1:].reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
        splits[split] = np.ascontiguousarray(x), _labels(records[:, 0], len(names), f"{path}: {split}")
    return names, splits


def read_idx(images: Path, labels: Path, classes: int) -> tuple[UInt8[np.ndarray, "n h w"], UInt8[np.ndarray, "n"]]:
    """Images and labels of one split of the MNIST family.

    Raises:
      InputError: a file is damaged or no IDX file of bytes, or there are more of one than of the other.
    """
    x, y = _idx(images, 3), _idx(labels, 1)
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


class TinyImageNet:
    """Tiny-ImageNet's zip: its classes, and the JPEGs of its training and validation images."""

    def __init__(self, path: Path):
        """Raises InputError where the zip is damaged or lacks its lists."""
        self._path = path
        with _reading(path), zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            root = next((name[:-len("wnids.txt")] for name in names if name.rsplit("/", 1)[-1] == "wnids.txt"), None)
            if root is None:
                raise InputError(f"{path}: has no wnids.txt; give tiny-imagenet-200.zip")
            self.classes = sorted(archive.read(f"{root}wnids.txt").decode().split())
            annotations = archive.read(f"{root}val/val_annotations.txt").decode().splitlines()
        index = {wnid: number for number, wnid in enumerate(self.classes)}
        train = re.compile(re.escape(root) + r"train/(\w+)/images/\1_(\d+)\.JPEG")
        matches = sorted((match.groups() for match in map(train.fullmatch, names) if match), key=lambda at: (at[0], int(at[1])))
        self._members = {
            "train": [(f"{root}train/{wnid}/images/{wnid}_{number}.JPEG", wnid) for wnid, number in matches],
            "validation": [(f"{root}val/images/{row[0]}", row[1]) for row in map(str.split, annotations) if len(row) > 1]}
        for split, members in self._members.items():
            unknown = sorted({wnid for _, wnid in members} - index.keys())
            if not members or unknown:
                raise InputError(f"{path}: " + (f"its {split} class {unknown[0]} is not in wnids.txt" if unknown else
                                                f"has no {split} images") + "; download it again")
        self._index = index

    def images(self, split: str) -> Iterator[tuple[bytes, int]]:
        """JPEG and label of each image of `train` or `validation`; JPEGs are neither grey nor of another size than 64×64.

        Grey ones (there are some) are written anew as RGB PNGs, which keep every pixel.

        Raises:
          InputError: an image is missing, damaged or of another size.
        """
        with _reading(self._path), zipfile.ZipFile(self._path) as archive:
            for name, wnid in self._members[split]:
                content = archive.read(name)
                with PIL.Image.open(io.BytesIO(content)) as image:
                    if image.size != (64, 64):
                        raise InputError(f"{self._path}: {name} is {image.height}×{image.width}, not 64×64; download it again")
                    if image.mode != "RGB":
                        content = png(np.asarray(image.convert("RGB")))
                yield content, self._index[wnid]


def png(image: UInt8[np.ndarray, "h w *c"]) -> bytes:
    """One image, grey or RGB, as a PNG."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()
