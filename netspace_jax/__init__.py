"""Networks as data: zoos, a latent space of them, and networks out of it.

    import netspace_jax
    space = netspace_jax.load("runs/digits")

`load` opens a space, `open_run` a finished run with its zoo and data; `fit_zoo` and `fit_space` train in memory;
`train`, `make_zoo` and `import_zoo` do what the commands do.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netspace_jax.api import load
    from netspace_jax.domain import preset
    from netspace_jax.fit import fit_space
    from netspace_jax.importing import ImportOptions, import_zoo
    from netspace_jax.jobs import make_zoo, train
    from netspace_jax.latent import fit_objective
    from netspace_jax.metrics.outputs import evaluate
    from netspace_jax.metrics.reconstruction import reconstruct
    from netspace_jax.runs import open_run
    from netspace_jax.space import Network, Space
    from netspace_jax.space.artefact import register_module
    from netspace_jax.zoo import fit_zoo

__version__ = "0.2.0"

__all__ = [
    "ImportOptions",
    "Network",
    "Space",
    "evaluate",
    "fit_objective",
    "fit_space",
    "fit_zoo",
    "import_zoo",
    "load",
    "make_zoo",
    "open_run",
    "preset",
    "reconstruct",
    "register_module",
    "train",
]

_MODULES = {
    "api": ("load",),
    "domain": ("preset",),
    "fit": ("fit_space",),
    "importing": ("ImportOptions", "import_zoo"),
    "jobs": ("make_zoo", "train"),
    "latent": ("fit_objective",),
    "metrics.outputs": ("evaluate",),
    "metrics.reconstruction": ("reconstruct",),
    "runs": ("open_run",),
    "space": ("Network", "Space"),
    "space.artefact": ("register_module",),
    "zoo": ("fit_zoo",),
}


def __getattr__(name: str) -> Any:
    # Imported on first use: `import netspace_jax` takes no time, and JAX can be configured before it is imported.
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
