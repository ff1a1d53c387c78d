"""Rows of feature maps (height, channels, width, batch): those under a kernel, and products that a cache holds."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

TILE_BYTES = 2_000_000
"""Operands and results of one product that a core's cache holds."""


def pad_rows(x: Float[Array, "h c w batch"], above: int, below: int) -> Float[Array, "h2 c w batch"]:
    """Rows of zeros above and below."""
    return jnp.pad(x, ((above, below), (0, 0), (0, 0), (0, 0)))


def rows_together(rows: int, x: Float[Array, "h _ w batch"], kernel: Float[Array, "kh kw c out"]) -> int:
    """How many rows one product is for: as many as divide `rows` and as a cache holds."""
    kh, kw, channels, out = kernel.shape
    if not isinstance(x.shape[3], int):  # the symbol of any batch, of a network that is exported
        return 1
    most = max(TILE_BYTES // (4 * x.shape[2] * x.shape[3] * (kh * channels + kw * out)), 1)
    return max(count for count in range(1, min(most, rows) + 1) if rows % count == 0)


def over_rows(function: Callable[[Int[Array, ""] | int], Array], rows: int, together: int) -> Array:
    """`function` of the first of every `together` rows, one after another, its results side by side."""
    if together == rows:
        return function(0)
    y = jax.lax.map(lambda tile: function(tile * together), jnp.arange(rows // together))
    return y.reshape(rows, *y.shape[2:])


def windows_of(
    x: Float[Array, "h c w batch"], first: Int[Array, ""] | int, together: int, kh: int, stride: int
) -> Float[Array, "rows k w batch"]:
    """The `kh` input rows under each of `together` output rows, as channels."""
    _, channels, width, batch = x.shape
    x = jax.lax.dynamic_slice_in_dim(x, first * stride, stride * (together - 1) + kh)
    if together == 1:
        return x.reshape(1, kh * channels, width, batch)
    return jnp.concatenate([x[row : row + stride * (together - 1) + 1 : stride] for row in range(kh)], 1)


def product(
    matrix: Float[Array, "m k"], x: Float[Array, "rows k w batch"], parts: int
) -> Float[Array, "rows parts c w batch"]:
    """The matrix times the channels, its result cut into `parts`."""
    rows, channels, width, batch = x.shape
    x = x.reshape(rows, channels, width * batch)
    if rows == 1:
        y = _matmul(matrix, x[0])
    elif _are_long(len(matrix), x):
        y = _matmul(jnp.broadcast_to(matrix, (rows, *matrix.shape)), x)
    else:
        y = jnp.einsum("mk,rkn->rmn", matrix, x, preferred_element_type=jnp.float32)
    return y.reshape(rows, parts, len(matrix) // parts, width, batch)


def product_over_rows(a: Float[Array, "rows m n"], b: Float[Array, "rows k n"]) -> Float[Array, "m k"]:
    """The sum over rows of a · bᵀ."""
    if len(a) == 1:
        return _matmul(a[0], b[0].T)
    if _are_long(a.shape[1], b):
        return _matmul(a, b.swapaxes(1, 2)).sum(0)
    return jnp.einsum("rmn,rkn->mk", a, b, preferred_element_type=jnp.float32)


def _are_long(size: int, rows: Float[Array, "rows k n"]) -> bool:
    """Whether a product for each row with its own matrix of `size` rows costs less than one that swaps axes."""
    return size <= rows.shape[2]


def shift_columns(x: Float[Array, "rows c w batch"], by: int, width: int) -> Float[Array, "rows c w2 batch"]:
    """Columns moved to the right by `by`, cut and filled with zeros to `width` columns."""
    edges = ((0, 0, 0), (0, 0, 0), (by, width - by - x.shape[2], 0), (0, 0, 0))
    return jax.lax.pad(x, jnp.zeros((), x.dtype), edges)


def _matmul(a: Float[Array, "*rows m k"], b: Float[Array, "*rows k n"]) -> Float[Array, "*rows m n"]:
    """Sums in float32, whatever the factors are."""
    return jnp.matmul(a, b, preferred_element_type=jnp.float32)
