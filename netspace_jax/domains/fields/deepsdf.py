"""DeepSDF's files of signed distances (Park et al. 2019) as they are distributed.

One `.npz` for each shape, with the arrays `pos` (points outside) and `neg` (inside), rows x, y, z, signed distance.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float

from netspace_jax.data.npz import _UNREADABLE
from netspace_jax.data.splits import reason
from netspace_jax.errors import InputError
from netspace_jax.memory import refuse_bomb

FEWEST_ROWS = 100
# The last two come from headers whose keys are of several types and from sizes beyond 64 bits.
_DAMAGED = (*_UNREADABLE, TypeError, OverflowError)
_MAKE = "give files made by DeepSDF's preprocessing"


def read(path: Path) -> tuple[Float[np.ndarray, "p 4"], Float[np.ndarray, "q 4"]]:
    """The rows outside and the rows inside one shape, float32, without those that are not finite.

    Raises:
      InputError: the file cannot be read, lacks `pos` or `neg`, or one of them is no table of four columns with at
        least `FEWEST_ROWS` finite rows of its sign, all within the range of float32.
    """
    try:
        with path.open("rb") as file:  # NumPy leaves a file that it opened and cannot read to the garbage collector
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise InputError(f"{path}: not a readable .npz (it is a single array); {_MAKE}")
            refuse_bomb(path)
            with archive:
                names = list(archive)
                arrays = {key: archive[key] for key in ("pos", "neg") if key in names}
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{path}: not a readable .npz ({reason(error)}); {_MAKE}") from error
    for key in ("pos", "neg"):
        if key not in arrays:
            raise InputError(f"{path}: no array '{key}' (it holds {', '.join(names) or 'nothing'}); {_MAKE}")
    return _rows(path, "pos", arrays["pos"], 1), _rows(path, "neg", arrays["neg"], -1)


def _rows(path: Path, key: str, rows: np.ndarray | bytes, sign: int) -> Float[np.ndarray, "n 4"]:
    """The finite rows as float32, checked; `sign` is that of their distances."""
    if not isinstance(rows, np.ndarray):  # a member without NumPy's header comes as bytes
        raise InputError(f"{path}: '{key}' is not a NumPy array; {_MAKE}")
    if rows.ndim != 2 or rows.shape[1] != 4 or rows.dtype.kind != "f":
        raise InputError(f"{path}: '{key}' is {rows.dtype}{list(rows.shape)}, not rows of x, y, z, distance; {_MAKE}")
    rows = rows[np.isfinite(rows).all(1)]
    with np.errstate(over="ignore"):
        narrow = rows.astype(np.float32)
    beyond = np.count_nonzero(~np.isfinite(narrow).all(1))
    if beyond:
        raise InputError(f"{path}: {beyond} of {len(rows)} rows of '{key}' are too large for float32; {_MAKE}")
    if len(narrow) < FEWEST_ROWS:
        raise InputError(f"{path}: '{key}' has {len(narrow)} finite rows, fewer than {FEWEST_ROWS}; leave the file out")
    wrong = np.count_nonzero(sign * narrow[:, 3] < 0)
    if wrong:
        side = "negative" if sign > 0 else "positive"
        raise InputError(
            f"{path}: {wrong} of {len(narrow)} distances in '{key}' are {side}; negative means inside, {_MAKE}"
        )
    return narrow
