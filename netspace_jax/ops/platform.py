"""The one switch between what suits a CPU and what suits an accelerator."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import jax

_PORTABLE: ContextVar[bool] = ContextVar("portable", default=False)


def on_cpu() -> bool:
    """Whether programs traced now will run on a CPU, and on nothing else."""
    return jax.default_backend() == "cpu" and not _PORTABLE.get()


@contextlib.contextmanager
def portable() -> Iterator[None]:
    """What is traced within has JAX's own convolutions, as programs for accelerators have, on a CPU too."""
    token = _PORTABLE.set(True)
    try:
        yield
    finally:
        _PORTABLE.reset(token)
