"""Networks as data: zoos, a latent space of them, and networks out of it.

`load(run)` opens a finished run as a `Space`; everything else is imported from its module.
"""

import importlib
from typing import Any

__all__ = ["Network", "Space", "load"]


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: `import netspace_jax` costs nothing, and JAX can be configured before it starts.
    if name in __all__:
        return getattr(importlib.import_module("netspace_jax.space.space"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
