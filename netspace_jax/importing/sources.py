"""Where networks come from: checkpoints below a folder, or whatever an iterable yields."""

import dataclasses
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from netspace_jax.errors import InputError
from netspace_jax.exchange import read
from netspace_jax.files import sha256

TENSORS = (".bin", ".ckpt", ".model", ".msgpack", ".pkl", ".pt", ".pth", ".safetensors", ".state", ".tar", ".weights")
"""How files of networks end; all but safetensors and Flax's msgpack are read as PyTorch's."""
_ORBAX = ("_METADATA", "_sharding", "manifest.ocdbt")  # one of these lies in every Orbax checkpoint of a tree


@dataclasses.dataclass(frozen=True)
class Source:
    """What holds one network, or several of one training.

    Attributes:
      read: gives its tensors, parameters or vector; raises `InputError` where it cannot.
      sha256: of its file, in hexadecimal digits; empty for networks in memory and in Orbax checkpoints.
    """

    name: str
    read: Callable[[], Any]
    sha256: str = ""


class Sources(NamedTuple):
    """What there is to import, and how many files were no networks by their names."""

    sources: tuple[Source, ...]
    others: int


def sources_of(networks: Any) -> Sources:
    """All networks of a folder or a file, or of an iterable of paths, parameters, state_dicts, vectors, or pairs of a
    name and one of these.

    Files are looked for in all folders below, those whose names begin with a dot excepted. A folder that is an Orbax
    checkpoint is one network.

    Raises:
      InputError: there is no such folder or file.
    """
    if isinstance(networks, str | os.PathLike):
        path = Path(networks).expanduser()
        if not path.exists():
            raise InputError(f"{networks} is not a folder of networks")
        return _of_path(path, path.name if _is_one(path) else "")
    if not hasattr(networks, "__iter__"):
        raise InputError(f"a {type(networks).__name__} is no folder and no iterable of networks")
    parts = [_of_item(item, number) for number, item in enumerate(networks)]
    return Sources(sum((part.sources for part in parts), ()), sum(part.others for part in parts))


def _of_item(item: Any, number: int) -> Sources:
    name = ""
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str):
        name, item = item
    if isinstance(item, str | os.PathLike):
        return _of_path(Path(item).expanduser(), name or str(item))
    return Sources((Source(name or f"network {number}", lambda: item),), 0)


def _of_path(path: Path, name: str) -> Sources:
    """The network at a path, or those below it under names that begin with `name`."""
    if _is_one(path):
        return Sources((_source(path, name),), 0)
    files = list(_below(path))
    networks = [file for file in files if file.is_dir() or file.suffix.lower() in TENSORS]
    sources = (_source(file, (Path(name) / file.relative_to(path)).as_posix()) for file in networks)
    return Sources(tuple(sources), len(files) - len(networks))


def _is_one(path: Path) -> bool:
    return not path.is_dir() or any((path / name).exists() for name in _ORBAX)


def _below(folder: Path) -> Iterator[Path]:
    """Files, and Orbax checkpoints, below a folder, in the order of their names."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_file() or (path.is_dir() and _is_one(path)):
            yield path
        elif path.is_dir() and not path.is_symlink():  # a link may lead to where it lies
            yield from _below(path)


def _source(path: Path, name: str) -> Source:
    one_line = "".join(letter if letter.isprintable() else "�" for letter in name)
    return Source(one_line, functools.partial(_read, path), _sha256(path))


def _read(path: Path) -> Any:
    try:
        return read.tree(path)
    except InputError as error:  # named by whoever asked, so the path is left out
        raise InputError(str(error).removeprefix(str(path)).lstrip(": ")) from error


def _sha256(path: Path) -> str:
    """Of a file's bytes; empty for a folder, and where nothing can be read, which is said when it is tried."""
    try:
        return sha256(path.read_bytes())
    except OSError:
        return ""
