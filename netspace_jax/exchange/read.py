"""Tensor files, read without executing anything in them."""

import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flax.serialization
import jax
import numpy as np
import orbax.checkpoint as ocp
from jaxtyping import PyTree

from netspace_jax.errors import InputError
from netspace_jax.files import checksum, reason_of
from netspace_jax.memory import refuse_bomb

CHECKSUMS = "netspace_jax.checksums.json"
"""File beside Orbax's own in a checkpoint that `export_network` writes; Orbax's checksums leave some values out."""
CHECKSUM = "netspace_jax.crc32"
"""Entry of the metadata of safetensors files that `export_network` writes; the format has no checksum of its own."""
_MAGIC = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")  # of PyTorch's older format
EXTRA = "pip install safetensors flatbuffers"


def tree(path: Path) -> PyTree:
    """What lies in an Orbax checkpoint, a `.safetensors` or `.msgpack` file, or a file that `torch.save` wrote.

    Names of `.msgpack`, which `flax.serialization` writes, are nested as the Flax variables were.

    Raises:
      InputError: there is no such file, it is damaged, it holds something else than tensors, or the library that reads
        it is not installed.
    """
    try:
        if path.is_dir():
            return orbax(path)
        exists = path.is_file()
    except OSError as error:  # a name that no file can have
        raise InputError(f"{str(path)[:80]}… is not a file ({reason_of(error)})") from error
    if not exists:
        raise InputError(f"{path} is not a file")
    readers = {".safetensors": _safetensors, ".msgpack": _msgpack}
    return readers.get(path.suffix, _torch)(path)


def orbax(directory: Path) -> PyTree:
    """The tree in an Orbax checkpoint.

    Raises:
      InputError: it cannot be read.
    """
    try:
        with ocp.StandardCheckpointer() as checkpointer:
            values = checkpointer.restore(directory.absolute())
        written = (directory / CHECKSUMS).read_text() if (directory / CHECKSUMS).exists() else ""
        damaged = bool(written) and json.loads(written) != checksums_of(values)
    except Exception as error:  # Orbax and TensorStore raise what they like on damaged files.
        raise InputError(f"{directory} cannot be read as an Orbax checkpoint ({type(error).__name__})") from error
    if damaged:
        raise InputError(f"{directory} is damaged: its values are not those that were written; export it again")
    return values


def checksums_of(tree: PyTree) -> dict[str, str]:
    """Checksum of each array of a tree by its path: what `CHECKSUMS` says of an Orbax checkpoint."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {jax.tree_util.keystr(path): checksum(leaf) for path, leaf in leaves}


def checksum_of(tensors: Mapping[str, np.ndarray]) -> str:
    """Checksum of named tensors: what `CHECKSUM` says in the metadata of a safetensors file."""
    return checksum(*(part for name in sorted(tensors) for part in (name, tensors[name])))


def _safetensors(path: Path) -> Mapping[str, Any]:
    try:
        from safetensors import SafetensorError, safe_open
        from safetensors.numpy import load_file
    except ImportError as error:
        raise InputError(f"{path} needs safetensors: {EXTRA}") from error
    try:
        arrays = load_file(path)
        with safe_open(path, framework="numpy") as file:
            written = (file.metadata() or {}).get(CHECKSUM, "")
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a readable safetensors file") from error
    except AttributeError as error:  # how its NumPy reader meets 4- and 8-bit floating point
        raise InputError(f"{path} holds numbers of a format that NumPy lacks: save them as float32") from error
    if written and written != checksum_of(arrays):
        raise InputError(f"{path} is damaged: its values are not those that were written; export it again")
    return arrays


def _msgpack(path: Path) -> Mapping[str, Any]:
    try:
        variables = flax.serialization.msgpack_restore(path.read_bytes())
    except Exception as error:  # On damaged files msgpack, NumPy and Flax raise errors of many kinds.
        raise InputError(f"{path} is not a readable msgpack file of Flax") from error
    if not isinstance(variables, Mapping):
        raise InputError(f"{path} holds a {type(variables).__name__}, not Flax variables")
    return variables


def _torch(path: Path) -> Mapping[str, Any]:
    try:
        import torch  # pyright: ignore[reportMissingImports]  # optional: only files of PyTorch need it
    except ImportError as error:
        if not _is_of_torch(path):
            raise InputError(
                f"{path} is no file of PyTorch, and pickles of other libraries are not read: give the parameters from "
                "Python, or save them with safetensors"
            ) from error
        raise InputError(f"{path} needs PyTorch: install torch, or save the network with safetensors") from error
    if _damaged_zip(path):  # PyTorch's own reader does not look
        raise InputError(f"{path} is damaged: what it holds does not have its checksums; save it again")
    try:
        # weights_only restricts the unpickler to tensors and plain containers: no code in the file runs.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # On damaged or foreign files its readers raise errors of many kinds.
        code = re.search(r"Unsupported global: GLOBAL ([\w.]+)", str(error))
        if code:
            raise InputError(
                f"{path} refused: it holds code or objects ({code[1]}), which are not run; "
                f"save it with torch.save(model.state_dict(), …) or safetensors"
            ) from error
        raise InputError(
            f"{path} refused: it is damaged or holds more than tensors; "
            f"save it with torch.save(model.state_dict(), …) or safetensors"
        ) from error
    if not isinstance(state, Mapping):
        raise InputError(f"{path} holds a {type(state).__name__}, not a state_dict")
    return state


def _is_of_torch(path: Path) -> bool:
    """Whether a file begins as `torch.save` has them begin: as a zip, or with the magic number of its older format."""
    with path.open("rb") as file:
        beginning = file.read(32)
    return beginning.startswith(b"PK") or _MAGIC in beginning


def _damaged_zip(path: Path) -> bool:
    """True for a file of PyTorch's newer format, which is a zip, that differs from its own checksums."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        refuse_bomb(path)
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is not None
    except InputError:
        raise
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, ValueError):
        return True
