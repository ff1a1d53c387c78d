"""Flags that decide which other flags there are: read first, and the user's own files with them."""

import argparse
import importlib.util
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import tyro

from netspace_jax.errors import InputError

Modules = Annotated[tuple[str, ...], tyro.conf.arg(prefix_name=False)]
"""Files that register architectures or domains, or FILE.py:NAME, where NAME is a Flax module of the file."""

_VALUES = {"--zoo": "the directory of a finished zoo", "--modules": "Python files", "--domain": "the name of a domain"}
# What modules call their number of outputs.
_OUTPUTS = ("outputs", "classes", "num_classes", "n_classes", "num_outputs")


def first_flags(arguments: Sequence[str], *names: str) -> tuple[argparse.Namespace, list[str]]:
    """The values of `--modules`, whose files are run, and of flags of these names; and all other arguments.

    Raises:
      InputError: a flag lacks its value, there is no such file, or it has no such module.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--modules", action="append", default=[])
    for name in names:
        parser.add_argument(f"--{name}", metavar="DIR")
    try:
        first, others = parser.parse_known_args(_one_file_each(arguments))
    except argparse.ArgumentError as error:
        raise InputError(f"{error.argument_name} takes {_VALUES.get(error.argument_name or '', 'a value')}") from error
    for text in first.modules:
        register_module(text)
    return first, others


def _one_file_each(arguments: Sequence[str]) -> list[str]:
    """The arguments with `--modules` before each of its files; a word after them that is no file stands for itself."""
    found, files = [], False
    for word in arguments:
        is_file = files and not word.startswith("-") and ".py" in word
        if is_file and found[-1] != "--modules":
            found.append("--modules")
        files = is_file or word.startswith("--modules")
        found.append(word)
    return found


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
    flax_module = getattr(module, name, None)
    if not callable(flax_module):
        raise InputError(f"{path} has no Flax module {name}")
    from netspace_jax import architectures

    architectures.register(name, lambda shape, outputs: _instance(flax_module, name, outputs))
    return name


def _instance(flax_module: Any, name: str, outputs: int) -> Any:
    """The user's module for so many outputs, if it asks for their number."""
    import flax.linen as nn

    fields = [field for field in _OUTPUTS if field in inspect.signature(flax_module).parameters]
    try:
        instance = flax_module(**dict.fromkeys(fields, outputs))
    except TypeError as error:
        raise InputError(
            f"{name} cannot be made from {' and '.join(fields) or 'nothing'} ({error}): give its other fields "
            f"defaults, or register it with netspace_jax.architectures.register"
        ) from error
    if not isinstance(instance, nn.Module):
        raise InputError(f"{name} is not a Flax module")
    return instance


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
