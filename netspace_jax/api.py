"""The library's face: what `import netspace_jax` offers."""

from etils import epath

from netspace_jax import domains
from netspace_jax.domain import preset
from netspace_jax.errors import InputError
from netspace_jax.files import location
from netspace_jax.fit import fit_space
from netspace_jax.importing import ImportOptions, import_zoo
from netspace_jax.jobs import make_zoo, open_run, train
from netspace_jax.latent import fit_arrays as fit_objective
from netspace_jax.metrics.reconstruction import reconstruct
from netspace_jax.space import Network, Space
from netspace_jax.space import load as load_space
from netspace_jax.space.artefact import register_module

__all__ = [
    "ImportOptions",
    "Network",
    "Space",
    "domains",
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


def load(path: epath.PathLike) -> Space:
    """The space of a finished run, or one that `Space.save` wrote.

    It needs neither the zoo nor the data that it came from; `open_run` opens those too.

    Args:
      path: directory of a run, as `runs/digits`, or of a space.

    Raises:
      InputError: there is none, or it cannot be read.
    """
    folder = location(path)
    if (folder / "space" / "space.json").exists():
        return load_space(folder / "space")
    if (folder / "config.json").exists():
        raise InputError(f"{path} holds no finished run; the command that began it goes on with it")
    return load_space(folder)
