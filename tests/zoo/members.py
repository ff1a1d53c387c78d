"""All members of a zoo of one architecture."""

import numpy as np


def everything(zoo):
    """Parameters of all members, by index."""
    (name,) = zoo.architectures
    rows = {m.index: row for members, chunk in zoo.chunks(name) for m, row in zip(members, chunk, strict=True)}
    return np.stack([rows[index] for index in sorted(rows)])
