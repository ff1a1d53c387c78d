"""Examples of one task out of a user's file."""

from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from netspace_jax.data.npz import read_arrays
from netspace_jax.errors import InputError

_NAMES = (("x", "y"), ("inputs", "targets"), ("images", "labels"))


def read_examples(
    path: Path, input_shape: tuple[int, ...]
) -> tuple[Shaped[np.ndarray, "n *input"], Shaped[np.ndarray, "n *target"]]:
    """Inputs and targets of a `.npz` with arrays x and y, inputs and targets, or images and labels.

    Raises:
      InputError: there is no such file, it cannot be read, or it has none of these arrays.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; examples are a .npz with arrays x and y")
    arrays, names = read_arrays(path, {name for pair in _NAMES for name in pair}, "write it with numpy.savez")
    for inputs, targets in _NAMES:
        if inputs in arrays and targets in arrays:
            x = arrays[inputs]
            missing_channel = x.ndim == len(input_shape) and input_shape[-1:] == (1,)
            return x[..., None] if missing_channel else x, arrays[targets]
    raise InputError(f"{path}: holds {', '.join(names) or 'nothing'}; examples are arrays x and y")
