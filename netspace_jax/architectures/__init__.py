"""What a network is: architectures by name, and their parameters as trees, flat vectors and PReps."""

import importlib
from typing import TYPE_CHECKING, Any

from netspace_jax.architectures.registry import build, names, register

if TYPE_CHECKING:
    from netspace_jax.architectures.architecture import Architecture
    from netspace_jax.architectures.symmetry import permuted_copies

__all__ = ["Architecture", "build", "names", "permuted_copies", "register"]

_PLACES = {"Architecture": "architecture", "permuted_copies": "symmetry"}


def __getattr__(name: str) -> Any:
    # Imported on first use, since names alone need neither JAX nor Flax.
    if name in _PLACES:
        return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
