"""Tensor files, read without executing anything in them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspace_jax.errors import InputError

EXTRA = "pip install safetensors flatbuffers"


def tensors(path: Path) -> Mapping[str, Any]:
    """The named tensors of a `.safetensors` file, or else of a `state_dict` that `torch.save` wrote.

    Raises:
      InputError: there is no such file, it is damaged, it holds something else than tensors, or the library that reads
        it is not installed.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file")
    return _safetensors(path) if path.suffix == ".safetensors" else _torch(path)


def _safetensors(path: Path) -> Mapping[str, Any]:
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:
        raise InputError(f"{path} needs safetensors: {EXTRA}") from error
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path} is not a readable safetensors file") from error
    except AttributeError as error:  # how its NumPy reader meets 4- and 8-bit floating point
        raise InputError(f"{path} holds numbers of a format that NumPy lacks: save them as float32") from error


def _torch(path: Path) -> Mapping[str, Any]:
    try:
        import torch  # pyright: ignore[reportMissingImports]  # optional: only files of PyTorch need it
    except ImportError as error:
        raise InputError(f"{path} needs PyTorch: install torch, or save the network with safetensors") from error
    try:
        # weights_only restricts the unpickler to tensors and plain containers: no code in the file runs.
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # On damaged or foreign files its readers raise errors of many kinds.
        raise InputError(
            f"{path} refused: it is damaged or holds more than tensors; "
            f"save it with torch.save(model.state_dict(), …) or safetensors"
        ) from error
    if not isinstance(state, Mapping):
        raise InputError(f"{path} holds a {type(state).__name__}, not a state_dict")
    return state
