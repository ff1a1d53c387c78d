"""Networks as data: zoos, a latent space of them, and networks out of it.

    import netspace_jax
    space = netspace_jax.load("runs/digits")

`load` opens a space, `open_run` a finished run with its zoo and data; `train`, `make_zoo` and `import_zoo` do what the
commands do.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspace_jax.api import (
        ImportOptions,
        Network,
        Space,
        fit_objective,
        fit_space,
        import_zoo,
        load,
        make_zoo,
        open_run,
        preset,
        reconstruct,
        register_module,
        train,
    )

__version__ = "0.2.0"

__all__ = [
    "ImportOptions",
    "Network",
    "Space",
    "fit_objective",
    "fit_space",
    "import_zoo",
    "load",
    "make_zoo",
    "open_run",
    "preset",
    "reconstruct",
    "register_module",
    "train",
]


def __getattr__(name: str) -> Any:
    # Imported on first use: `import netspace_jax` takes no time, and JAX can be configured before it is imported.
    if name in __all__:
        return getattr(importlib.import_module("netspace_jax.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
