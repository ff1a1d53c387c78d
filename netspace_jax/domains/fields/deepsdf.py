"""DeepSDF's files of signed distances (Park et al. 2019) as they are distributed.

One `.npz` for each shape, with the arrays `pos` (points outside) and `neg` (inside), rows x, y, z, signed distance.
"""

import zipfile
import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

from netspace_jax.errors import InputError

FEWEST_ROWS = 100
_MAKE = "give files made by DeepSDF's preprocessing"


def read(path: Path) -> tuple[Float[np.ndarray, "p 4"], Float[np.ndarray, "q 4"]]:
    """The rows outside and the rows inside one shape, float32, without those that are not finite.

    Raises:
      InputError: the file cannot be read, lacks `pos` or `neg`, or one of them is no table of four columns with at
        least `FEWEST_ROWS` finite rows of its sign.
    """
    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise InputError(f"{path}: not a readable .npz (it is a single array); {_MAKE}")
        with archive:
            return _rows(path, archive, "pos", 1), _rows(path, archive, "neg", -1)
    except InputError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a readable .npz ({' '.join(str(error).split())}); {_MAKE}") from error


def _rows(path: Path, archive, key: str, sign: int) -> np.ndarray:
    if key not in archive:
        raise InputError(f"{path}: no array '{key}' (it holds {', '.join(archive) or 'nothing'}); {_MAKE}")
    rows = archive[key]
    if rows.ndim != 2 or rows.shape[1] != 4 or rows.dtype.kind != "f":
        raise InputError(f"{path}: '{key}' is {rows.dtype}{list(rows.shape)}, not rows of x, y, z, distance; {_MAKE}")
    rows = rows[np.isfinite(rows).all(1)].astype(np.float32)
    if len(rows) < FEWEST_ROWS:
        raise InputError(f"{path}: '{key}' has {len(rows)} finite rows, fewer than {FEWEST_ROWS}; leave the file out")
    wrong = np.count_nonzero(sign * rows[:, 3] < 0)
    if wrong:
        raise InputError(f"{path}: {wrong} of {len(rows)} distances in '{key}' are "
                         f"{'negative' if sign > 0 else 'positive'}; negative means inside, {_MAKE}")
    return rows
