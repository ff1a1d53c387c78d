"""DeepSDF's files of signed distances (Park et al. 2019) as they are distributed.

One `.npz` for each shape, with the arrays `pos` (points outside) and `neg` (inside), rows x, y, z, signed distance.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from netspace_jax.data.npz import read_arrays
from netspace_jax.errors import InputError

FEWEST_ROWS = 100
_REMEDY = "give files made by DeepSDF's preprocessing"


def read(path: Path) -> tuple[Float[np.ndarray, "p 4"], Float[np.ndarray, "q 4"]]:
    """The rows outside and the rows inside one shape, float32, without those that are not finite.

    Raises:
      InputError: the file cannot be read, lacks `pos` or `neg`, or one of them is no table of four columns with at
        least `FEWEST_ROWS` finite rows of its sign, all within the range of float32.
    """
    arrays, names = read_arrays(path, ("pos", "neg"), _REMEDY)
    for key in ("pos", "neg"):
        if key not in arrays:
            raise InputError(f"{path}: no array '{key}' (it holds {', '.join(names) or 'nothing'}); {_REMEDY}")
    return _rows(path, "pos", arrays["pos"], 1), _rows(path, "neg", arrays["neg"], -1)


def _rows(path: Path, key: str, rows: np.ndarray, sign: int) -> Float[np.ndarray, "n 4"]:
    """The finite rows as float32, checked; `sign` is that of their distances."""
    if rows.ndim != 2 or rows.shape[1] != 4 or rows.dtype.kind != "f":
        raise InputError(f"{path}: '{key}' is {rows.dtype}{list(rows.shape)}, not rows of x, y, z, distance; {_REMEDY}")
    rows = rows[np.isfinite(rows).all(1)]
    with np.errstate(over="ignore"):
        narrow = rows.astype(np.float32)
    beyond = np.count_nonzero(~np.isfinite(narrow).all(1))
    if beyond:
        raise InputError(f"{path}: {beyond} of {len(rows)} rows of '{key}' are too large for float32; {_REMEDY}")
    if len(narrow) < FEWEST_ROWS:
        raise InputError(f"{path}: '{key}' has {len(narrow)} finite rows, fewer than {FEWEST_ROWS}; leave the file out")
    wrong = np.count_nonzero(sign * narrow[:, 3] < 0)
    if wrong:
        side = "negative" if sign > 0 else "positive"
        raise InputError(
            f"{path}: {wrong} of {len(narrow)} distances in '{key}' are {side}; negative means inside, {_REMEDY}"
        )
    return narrow
