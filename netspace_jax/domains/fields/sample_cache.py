"""Samples of shapes on disk, so that a machine samples each shape once, whatever run or report asks for it.

A file for each shape, named by the SHA-256 of all that made it, in the user's cache folder, or in the folder that the
variable `NETSPACE_CACHE` names; `NETSPACE_CACHE=off` does without. A file is written aside and renamed, so that two
processes may write the same one; one that is damaged, as its checksums say, is made again.
"""

import functools
import io
import logging
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch

from netspace_jax.data.npz import UNREADABLE
from netspace_jax.errors import InputError
from netspace_jax.files import reason_of, sha256, write_bytes

VARIABLE = "NETSPACE_CACHE"


def cached(made_of: tuple, sample: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The arrays that `sample` returns, or those that it returned before.

    Args:
      made_of: texts and numbers that say all that the arrays depend on, the version of their making included.
    """
    folder = os.environ.get(VARIABLE) or str(Path(pooch.os_cache("netspace_jax")) / "shapes")
    if folder == "off":
        return sample()
    path = Path(folder).expanduser() / f"{sha256(repr(made_of))}.npz"
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except FileNotFoundError:
        pass
    except UNREADABLE as error:
        logging.warning("%s cannot be read (%s) and is made again", path, reason_of(error))
    arrays, file = sample(), io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    try:
        write_bytes(path, file.getvalue())
    except (OSError, InputError) as error:
        _warn_once(folder, reason_of(error))
    return arrays


@functools.cache
def _warn_once(folder: str, reason: str) -> None:
    logging.warning(
        "samples of shapes cannot be kept in %s (%s): let %s name another folder, or be `off`", folder, reason, VARIABLE
    )
