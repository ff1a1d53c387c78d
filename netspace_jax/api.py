"""Opening what runs leave; the other names of `import netspace_jax` come from the rooms that they belong to."""

from etils import epath

from netspace_jax.errors import InputError
from netspace_jax.files import location
from netspace_jax.space import Space
from netspace_jax.space import load as load_space


def load(path: epath.PathLike) -> Space:
    """The space of a finished run, or one that `Space.save` wrote.

    It needs neither the zoo nor the data that it came from; `open_run` opens those too.

    Raises:
      InputError: there is none, or it cannot be read.
    """
    folder = location(path)
    if (folder / "space" / "space.json").exists():
        return load_space(folder / "space")
    if (folder / "config.json").exists():
        raise InputError(f"{path} holds no finished run; the command that began it goes on with it")
    return load_space(folder)
