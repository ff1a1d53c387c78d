"""The one switch between programs that suit a CPU and programs that suit accelerators.

On accelerators many networks run together, by batched products, and loops have static lengths; a core runs one network
after another, whose activations its cache holds. Results are the same up to rounding, on either kind of machine.
"""

import contextlib

import jax
from jax.sharding import Mesh

from netspace_jax.config import Lowering

# JAX's caches know it: what was traced for one target is traced anew for another. Beside `Lowering`, `portable`.
_LOWERING = jax.make_user_context("auto")


def on_cpu() -> bool:
    """Whether what is traced now is computed as suits a CPU."""
    return _LOWERING.value == "cpu" or (_LOWERING.value == "auto" and jax.default_backend() == "cpu")


def is_portable() -> bool:
    """Whether what is traced now keeps to JAX's own operations."""
    return _LOWERING.value == "portable"


def lowering(target: Lowering) -> contextlib.AbstractContextManager[None]:
    """Within, everything is compiled for one target, whatever the machine."""
    return _LOWERING(target)


def lowering_of(mesh: Mesh) -> contextlib.AbstractContextManager[None]:
    """Within, what is traced suits the devices of a mesh, unless a target was asked for."""
    if _LOWERING.value != "auto":
        return contextlib.nullcontext()
    return _LOWERING("cpu" if mesh.devices.flat[0].platform == "cpu" else "accelerator")


def portable() -> contextlib.AbstractContextManager[None]:
    """What is traced within has JAX's own convolutions and functions, which other programs know."""
    return _LOWERING("portable")
