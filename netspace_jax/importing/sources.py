"""Where networks come from: checkpoints below a folder, or whatever an iterable yields."""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from netspace_jax.errors import InputError
from netspace_jax.exchange import read

TENSORS = (".bin", ".ckpt", ".model", ".msgpack", ".pkl", ".pt", ".pth", ".safetensors", ".state", ".tar", ".weights")
"""How files of networks end; all but safetensors and Flax's msgpack are read as PyTorch's."""
_ORBAX = ("_METADATA", "_sharding", "manifest.ocdbt")  # one of these lies in every Orbax checkpoint of a tree


@dataclasses.dataclass(frozen=True)
class Source:
    """One network that may be imported.

    Attributes:
      name: what tables and messages call it.
      read: gives its tensors, parameters or vector; raises `InputError` where it cannot.
      sha256: of its file or files, in hexadecimal digits; empty for a network in memory.
    """

    name: str
    read: Callable[[], Any]
    sha256: str = ""


class Found(NamedTuple):
    """What there is to import, and how many files were no networks by their names."""

    sources: tuple[Source, ...]
    others: int


def sources_of(networks: Any) -> Found:
    """All networks of a folder, or of an iterable of paths, parameters, state_dicts, vectors or (name, any of these).

    Files are looked for in all folders below, those whose names begin with a dot excepted. A folder that is an Orbax
    checkpoint is one network.

    Raises:
      InputError: there is no such folder.
    """
    if isinstance(networks, str | os.PathLike):
        folder = Path(networks).expanduser()
        if not folder.is_dir():
            raise InputError(f"{networks} is not a folder of networks")
        found = list(_below(folder))
        paths = [path for path in found if path.is_dir() or path.suffix.lower() in TENSORS]
        root = folder.parent if paths == [folder] else folder
        return Found(
            tuple(_of_path(path, path.relative_to(root).as_posix()) for path in paths), len(found) - len(paths)
        )
    return Found(tuple(_of_item(item, f"network {number}") for number, item in enumerate(_items(networks))), 0)


def _items(networks: Iterable[Any]) -> Iterator[Any]:
    if not hasattr(networks, "__iter__"):
        raise InputError(f"a {type(networks).__name__} is no folder and no iterable of networks")
    return iter(networks)


def _of_item(item: Any, name: str) -> Source:
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str):
        name, item = item
        if isinstance(item, str | os.PathLike):
            return _of_path(Path(item), name)
    if isinstance(item, str | os.PathLike):
        return _of_path(Path(item), str(item))
    return Source(name, lambda: item)


def _below(folder: Path) -> Iterator[Path]:
    """Files, and Orbax checkpoints, below a folder, in the order of their names."""
    if any((folder / name).exists() for name in _ORBAX):
        yield folder
        return
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            # A link may lead to where it lies.
            yield from () if path.is_symlink() else _below(path)
        elif path.is_file():
            yield path


def _of_path(path: Path, name: str) -> Source:
    # On one line, whatever the file is called.
    shown = "".join(letter if letter.isprintable() else "�" for letter in name)
    return Source(shown, functools.partial(_read, path), _sha256(path))


def _read(path: Path) -> Any:
    try:
        return read.orbax(path) if path.is_dir() else read.tensors(path)
    except InputError as error:  # named by whoever asked, so the path is left out
        raise InputError(str(error).removeprefix(str(path)).lstrip(": ")) from error


def _sha256(path: Path) -> str:
    """Of a file's bytes, or of names and bytes of all files of a folder; empty where there is none to be read."""
    if path.is_dir():
        found = hashlib.sha256()
        for part in sorted(path.rglob("*")):
            if part.is_file():
                found.update(part.relative_to(path).as_posix().encode() + b"\0" + _sha256(part).encode())
        return found.hexdigest()
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # what is wrong with it is said when it is read
        return ""
