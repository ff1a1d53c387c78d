"""Small files, written so that a reader never sees half of one."""

import contextlib
import csv
import functools
import hashlib
import importlib.resources
import io
import json
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from etils import epath
from numpy.typing import ArrayLike

from netspace_jax.errors import InputError
from netspace_jax.signals import writing

LOCK = ".lock"
LOG = "libraries.log"
BESIDE = (LOCK, LOG)
"""Files in the directory of a run or a zoo that are no part of it: who writes there, and what libraries said."""
_LONGEST = 240  # bytes of a name on a disk, less what temporary files add to it


def location(path: epath.PathLike) -> epath.Path:
    """An absolute path on this machine.

    Raises:
      InputError: it is an address, such as that of an object store.
    """
    if "://" in os.fspath(path):
        raise InputError(f"{os.fspath(path)} is an address: name a directory, as one that the store is mounted at")
    return epath.Path(os.path.abspath(path))  # noqa: PTH100  (Path.resolve would follow symbolic links)


def usable(path: epath.PathLike) -> epath.Path:
    """A place for a directory: new, or a directory that exists.

    Raises:
      InputError: something on the way is no directory, or the place's name cannot be.
    """
    found = location(path)
    try:
        existing = next(place for place in (Path(found), *Path(found).parents) if os.path.lexists(place))
        fits = existing.is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, or has a zero in it
        raise InputError(f"{str(path)[:80]!r} cannot be a directory ({reason_of(error)}): name another") from error
    if not fits:
        raise InputError(f"{path} cannot be a directory: {existing} is none; name another")
    if max(map(len, map(os.fsencode, Path(found).parts))) > _LONGEST:
        raise InputError(f"{str(path)[:80]}… cannot be a directory: names have up to {_LONGEST} bytes; name another")
    return found


def reason_of(error: BaseException) -> str:
    """What an error says, on one line, as it is read beside other words."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(said.split())[:160]


def refuse_directory(path: epath.Path) -> None:
    """Refuse to write a file where a directory is.

    Raises:
      InputError: it is; what is in it may be of value.
    """
    if path.is_dir():
        raise InputError(f"{path} is a directory where a file is to be written: move it away")


def crc32(*parts: str | bytes | ArrayLike) -> int:
    """CRC-32 of texts, bytes and arrays, one after another: finds damage, not forgery."""
    return functools.reduce(lambda total, part: zlib.crc32(_content(part), total), parts, 0)


def checksum(*parts: str | bytes | ArrayLike) -> str:
    """CRC-32 of texts, bytes and arrays, one after another, in eight hexadecimal digits."""
    return f"{crc32(*parts):08x}"


def sha256(*parts: str | bytes | ArrayLike) -> str:
    """SHA-256 of texts, bytes and arrays, one after another, in hexadecimal digits: a name for what they hold."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(_content(part))
    return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """What JSON holds, as one text whatever the order of its fields: what checksums of it are taken of."""
    return json.dumps(value, sort_keys=True)


def _content(part: str | bytes | ArrayLike) -> bytes | memoryview:
    if isinstance(part, str):
        return part.encode()
    if isinstance(part, bytes):
        return part
    return np.ascontiguousarray(part).reshape(-1).view(np.uint8).data  # its own memory, not a copy


def csv_text(columns: Mapping[str, Iterable[Any]]) -> str:
    """A table as CSV, from its columns by name, which are of one length."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def packaged(package: str, name: str) -> str:
    """A text file that lies in one of our packages, such as a page's script."""
    return (importlib.resources.files(package) / name).read_text(encoding="utf-8")


def _is_first() -> bool:
    """Whether this is the first of several processes, which alone writes small files."""
    from netspace_jax.ops.devices import is_first  # JAX: not needed to find and to read files

    return is_first()


def write_text(path: epath.PathLike, text: str) -> None:
    """Write a text file, in the first process only."""
    write_bytes(path, text.encode())


def write_bytes(path: epath.PathLike, content: bytes) -> None:
    """Write a file under a temporary name and then rename it, in the first process only.

    Raises:
      InputError: a directory is in its place.
    """
    if not _is_first():
        return
    path = location(path)
    refuse_directory(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with writing():
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def check_new(path: epath.PathLike) -> epath.Path:
    """The place of a directory that is to be written.

    Raises:
      InputError: something lies there that is not an empty directory, or no directory can be there.
    """
    place = usable(path)
    if place.exists() and any(place.iterdir()):
        raise InputError(f"{os.fspath(path)} exists and is not an empty directory: name another")
    return place


@contextlib.contextmanager
def new_directory(path: epath.PathLike) -> Iterator[epath.Path]:
    """A directory to be filled in a `with` block, which appears at `path` when the block ends, complete or not at all.

    A signal waits meanwhile.

    Raises:
      InputError: as `check_new`, before the block and, where another process came first, after it.
    """
    place = check_new(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    staging = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    with writing():
        staging.mkdir()
        try:
            yield staging
            check_new(path)
            staging.replace(place)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def append_text(path: epath.PathLike, text: str) -> None:
    """Append to a text file, in the first process only."""
    if _is_first():
        with writing(), location(path).open("a") as file:
            file.write(text)


@contextlib.contextmanager
def disk_errors(path: epath.PathLike) -> Iterator[None]:
    """Turn the ValueError that TensorStore raises when it cannot write to a disk into the OSError behind it."""
    try:
        yield
    except ValueError as error:
        code = re.search(r"os_error_code='(\d+)'", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error


def read_json(path: epath.PathLike) -> Any:
    """Parsed content of a JSON file.

    Raises:
      InputError: the file is missing or not JSON.
    """
    try:
        return json.loads(location(path).read_text())
    except (OSError, ValueError, RecursionError) as error:  # not JSON, numbers of thousands of digits, too deep
        raise InputError(f"{path} cannot be read as JSON ({reason_of(error)})") from error
