"""The one switch between the way of computing that suits a CPU and the one that suits accelerators.

On accelerators many networks run together, by batched products, and loops have static lengths; a core runs one network
after another, whose activations its cache holds. Results are the same up to rounding, on either kind of machine.
"""

import contextlib
from typing import Literal

import jax
from jax.sharding import Mesh

Ways = Literal["auto", "cpu", "accelerator"]
"""`auto` is what suits the devices: those of the mesh that a program runs on, or else JAX's default ones."""

# JAX's caches know it: what was traced for one way is traced anew for another. Beside `Ways`, `portable`.
_WAYS = jax.make_user_context("auto")


def on_cpu() -> bool:
    """Whether what is traced now is computed as suits a CPU."""
    return _WAYS.value == "cpu" or (_WAYS.value == "auto" and jax.default_backend() == "cpu")


def is_portable() -> bool:
    """Whether what is traced now keeps to JAX's own operations."""
    return _WAYS.value == "portable"


def ways(wanted: Ways) -> contextlib.AbstractContextManager[None]:
    """Within, everything is computed in one way, whatever the machine."""
    return _WAYS(wanted)


def ways_of(mesh: Mesh) -> contextlib.AbstractContextManager[None]:
    """Within, what is traced suits the devices of a mesh, unless a way was asked for."""
    if _WAYS.value != "auto":
        return contextlib.nullcontext()
    return _WAYS("cpu" if mesh.devices.flat[0].platform == "cpu" else "accelerator")


def portable() -> contextlib.AbstractContextManager[None]:
    """What is traced within has JAX's own convolutions and functions, which other programs know."""
    return _WAYS("portable")
