"""Arrays as text for a web page: planes of bytes, deflated, in base 85; `packing.js` beside this module reads them.

Large arrays may be rounded to so many bits of the largest value of each column, so that a page keeps to its size.
"""

import base64
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

_SMALL = 4096  # values; arrays of fewer are never rounded
EXACT = 32
_BITS = (EXACT, 20, 18, 16, 12)  # of each value of a large array: the first that fits, since to pack takes seconds
# Python's base 85 without "<", which would end a script.
_SAFE = bytes.maketrans(b"<", b",")


class Packed(NamedTuple):
    """Arrays as text.

    Attributes:
      table: of each array its shape and kind: `f` float32, `h` float16, `i` int32, `b` bytes, or the bits to which it
        is rounded.
    """

    table: list[list[Any]]
    text: str
    size: int


class TooLarge(Exception):
    """Arrays do not fit into the text that is allowed."""


def pack(arrays: Sequence[np.ndarray], limit: int) -> tuple[Packed, int]:
    """Arrays as text of at most `limit` characters, and the bits that large ones are rounded to: 32 for none.

    Raises:
      TooLarge: they do not fit with the fewest bits.
    """
    size = 0
    for bits in _BITS:
        packed = _packed(arrays, bits)
        size = len(packed.text)
        if size <= limit:
            return packed, bits
    raise TooLarge(f"arrays of {size} characters with {_BITS[-1]} bits a value, where {limit} are allowed")


def _packed(arrays: Sequence[np.ndarray], bits: int) -> Packed:
    parts, table = [], []
    for array in arrays:
        kind, data = _bytes(array, bits)
        table.append([list(array.shape), kind])
        parts.append(data)
    data = zlib.compress(b"".join(parts), 6)
    text = base64.b85encode(data + bytes(-len(data) % 4)).translate(_SAFE)
    return Packed(table, text.decode("ascii"), len(data))


def _bytes(array: np.ndarray, bits: int) -> tuple[str | int, bytes]:
    if array.dtype == np.float16:
        return "h", _planes(array.view(np.uint16))
    if array.dtype == np.bool_ or array.dtype == np.uint8:
        return "b", array.astype(np.uint8).tobytes()
    if np.issubdtype(array.dtype, np.integer):
        return "i", _planes(array.astype(np.int32).view(np.uint32))
    values = np.ascontiguousarray(array, np.float32)
    if bits == EXACT or values.size < _SMALL:
        return "f", _planes(values.view(np.uint32))
    half = 2 ** (bits - 1) - 1
    columns = values.reshape(-1, values.shape[-1])
    step = np.maximum(np.abs(columns).max(0) / half, np.finfo(np.float32).tiny).astype(np.float32)
    whole = (np.rint(columns.astype(np.float64) / step) + half).astype(np.uint32)
    return bits, _planes(step.view(np.uint32)) + _planes(whole, -(-bits // 8))


def _planes(values: np.ndarray, planes: int = 0) -> bytes:
    """The lowest byte of all values, then the next higher one, and so on."""
    columns = np.ascontiguousarray(values).reshape(-1, 1).view(np.uint8)
    return columns[:, : planes or columns.shape[1]].T.tobytes()
