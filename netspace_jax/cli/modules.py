"""The user's own files: run first, so that other flags may name what they register."""

import importlib.util
import inspect
import itertools
import sys
from pathlib import Path
from typing import Annotated, Any

import flax.linen as nn
import tyro

from netspace_jax import architectures
from netspace_jax.errors import InputError

Modules = Annotated[tuple[str, ...], tyro.conf.arg(prefix_name=False)]
"""Files that register architectures or domains, or FILE.py:NAME, where NAME is a Flax module of the file."""

_OUTPUTS = (
    "outputs",
    "classes",
    "num_classes",
    "n_classes",
    "num_outputs",
)  # what modules call their number of outputs


def register_modules(arguments: list[str]) -> None:
    """Run the files after --modules.

    Raises:
      InputError: there is no such file, or it has no such module.
    """
    words = [part for word in arguments for part in (word.split("=", 1) if word.startswith("--modules=") else [word])]
    if "--modules" not in words:
        return
    for text in itertools.takewhile(lambda word: not word.startswith("-"), words[words.index("--modules") + 1 :]):
        register_module(text)


def register_module(text: str) -> str:
    """Run FILE.py, or also register the Flax module NAME of FILE.py:NAME under its name, which is given back.

    Raises:
      InputError: there is no such file, or it has no such module.
    """
    path, colon, name = text.rpartition(":")
    if not colon or not name.isidentifier() or not path.endswith(".py"):
        path, name = text, ""
    module = _run(Path(path))
    if not name:
        return ""
    made = getattr(module, name, None)
    if not callable(made):
        raise InputError(f"{path} has no Flax module {name}")
    architectures.register(name, lambda shape, outputs: _module(made, name, outputs))
    return name


def _module(made: Any, name: str, outputs: int) -> nn.Module:
    """The user's module for so many outputs, if it asks for their number."""
    asked = [word for word in _OUTPUTS if word in inspect.signature(made).parameters]
    try:
        module = made(**dict.fromkeys(asked, outputs))
    except TypeError as error:
        raise InputError(
            f"{name} cannot be made from {' and '.join(asked) or 'nothing'} ({error}): give its other fields defaults, "
            f"or register it with netspace_jax.architectures.register"
        ) from error
    if not isinstance(module, nn.Module):
        raise InputError(f"{name} is not a Flax module")
    return module


def _run(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"--modules {path}: no such file")
    name = f"modules_of_the_user_{path.stem}"  # which may be called as a module of Python's own
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"--modules {path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
