"""The convolution that all architectures share, over feature maps laid out (height, channels, width, batch).

On CPU a vmapped kernel makes `lax.conv` a grouped convolution, whose gradient is slow, and the gradient of any
`lax.conv` inside a loop runs a naive kernel, some 50 times slower. Matrix products have neither problem, and the CPU
computes one row of outputs after another as products whose operands stay in a core's cache. With the batch last, the
input rows under a row of outputs are a few long runs of memory. The kernel's rows are summed by the product; its
columns are separate results of it, which are shifted against each other and added, so that no patch is copied once for
each column.

On accelerators a grouped convolution is slow too, its gradient most of all. There the networks' convolutions are one
batched matrix product over patches, which are copied, and made anew for the gradients. A kernel that all networks share
keeps the library's convolution.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from netspace_jax.ops.patches import library_conv2d, patch_conv2d
from netspace_jax.ops.platform import is_portable, on_cpu
from netspace_jax.ops.rows import (
    over_rows,
    pad_rows,
    product,
    product_over_rows,
    rows_together,
    shift_columns,
    windows_of,
)

Pair = tuple[int, int]
Taps = list[tuple[int, int]]


def conv2d(
    x: Float[Array, "h c w batch"], kernel: Float[Array, "kh kw c out"], stride: Pair, padding: Pair
) -> Float[Array, "h2 out w2 batch"]:
    """2-D convolution (cross-correlation) with zero padding, by a kernel of ONE network."""
    if on_cpu():
        return row_conv2d(x, kernel, stride, padding)
    if is_portable():
        return library_conv2d(x, kernel, stride, padding)
    # What is kept for the gradients is x and the kernel; patches are many times as large.
    return jax.checkpoint(functools.partial(patch_conv2d, stride=stride, padding=padding))(x, kernel)


def shared_conv2d(
    x: Float[Array, "h c w batch"], kernel: Float[Array, "kh kw c out"], stride: Pair, padding: Pair
) -> Float[Array, "h2 out w2 batch"]:
    """The same by a kernel that is never vmapped, as those of an autoencoder over many networks."""
    convolve = row_conv2d if on_cpu() else library_conv2d
    return convolve(x, kernel, stride, padding)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def row_conv2d(
    x: Float[Array, "h c w batch"], kernel: Float[Array, "kh kw c out"], stride: Pair, padding: Pair
) -> Float[Array, "h2 out w2 batch"]:
    """The same by matrix products, row by row."""
    return _alone_if_large(functools.partial(_convolution, stride=stride, padding=padding), x, kernel)


def _convolution(
    x: Float[Array, "h c w batch"], kernel: Float[Array, "kh kw c out"], stride: Pair, padding: Pair
) -> Float[Array, "h2 out w2 batch"]:
    kh, kw, channels, _ = kernel.shape
    height, width = (
        (size + 2 * p - k) // s + 1 for size, p, k, s in zip(x.shape[::2], padding, (kh, kw), stride, strict=True)
    )
    together = rows_together(height, x, kernel)
    parts = [
        (rows, taps, kernel[:, taps[0][0] :: stride[1]].transpose(1, 3, 0, 2).reshape(-1, kh * channels))
        for rows, taps in _column_phases(x, kw, stride, padding)
    ]

    def some(first):
        sums = []
        for rows, taps, matrix in parts:
            found = product(matrix, windows_of(rows, first, together, kh, stride[0]), len(taps))
            sums.append(_sum([shift_columns(found[:, n], -shift, width) for n, (_, shift) in enumerate(taps)]))
        return _sum(sums).astype(x.dtype)

    return over_rows(some, height, together)


def _sum(terms: list[Array]) -> Array:
    return functools.reduce(jnp.add, terms)


def taps_by_phase(size: int, stride: int, padding: int) -> list[Taps]:
    """For each phase of the input, the kernel's taps (tap, shift) that touch it, in order.

    For output i, `tap` falls on input position stride · (i + shift) + phase.
    """
    phases: list[Taps] = [[] for _ in range(stride)]
    for tap in range(size):
        shift, phase = divmod(tap - padding, stride)
        phases[phase].append((tap, shift))
    return phases


def _forward(x, kernel, stride, padding):
    return row_conv2d(x, kernel, stride, padding), (x, kernel)


def _backward(stride, padding, kept, dy):
    return _alone_if_large(functools.partial(_gradients, stride=stride, padding=padding), *kept, dy)


def _gradients(x, kernel, dy, stride, padding):
    shifts = [shift for taps in taps_by_phase(kernel.shape[0], stride[0], padding[0]) for _, shift in taps]
    above, below = max(*shifts, 0), max(-(-x.shape[0] // stride[0]) - min(shifts) - len(dy), 0)
    padded = pad_rows(dy, above, below)  # for both gradients, so that what comes in is written to memory once
    return (
        _input_gradient(padded, above, x, kernel, stride, padding),
        _kernel_gradient(padded, above, len(dy), x, kernel, stride, padding),
    )


row_conv2d.defvjp(_forward, _backward)


def _alone_if_large(
    function: Callable[..., PyTree], x: Float[Array, "h c w batch"], kernel: Float[Array, "kh kw c out"], *rest
) -> PyTree:
    """`function(x, kernel, *rest)`, vmapped one network after another where a cache does not hold even one."""
    if rows_together(len(x), x, kernel) == len(x):
        return function(x, kernel, *rest)
    return jax.custom_batching.sequential_vmap(function)(x, kernel, *rest)


def _input_gradient(
    dy: Float[Array, "h2 out w2 batch"],
    above: int,
    x: Float[Array, "h c w batch"],
    kernel: Float[Array, "kh kw c out"],
    stride: Pair,
    padding: Pair,
) -> Float[Array, "h c w batch"]:
    """The gradient for x, one row of each phase after another; `dy` has `above` rows of zeros on top."""
    (height, channels, width, batch), (kh, kw, _, out) = x.shape, kernel.shape
    row_phases, column_phases = (taps_by_phase(*sizes) for sizes in zip((kh, kw), stride, padding, strict=True))
    shifts = [shift for taps in row_phases for _, shift in taps]
    rows, columns = -(-height // stride[0]), -(-width // stride[1])
    together = rows_together(rows, dy, kernel)
    # The rows of dy under a window go down as shifts go up.
    matrices = [
        kernel[taps[0][0] :: stride[0]][::-1].transpose(1, 2, 0, 3).reshape(kw * channels, -1) if taps else None
        for taps in row_phases
    ]
    nothing = jnp.zeros((together, channels, columns, batch))

    def one_phase(windows, taps, matrix):
        begin = (max(shifts) - taps[-1][1]) * out
        found = product(matrix, windows[:, begin : begin + len(taps) * out], kw)
        parts = [
            sum((shift_columns(found[:, tap], shift, columns) for tap, shift in column_taps), nothing)
            for column_taps in column_phases
        ]
        return parts[0] if len(parts) == 1 else jnp.stack(parts, 3).reshape(together, channels, -1, batch)

    def some(first):
        windows = windows_of(dy, above - max(shifts) + first, together, max(shifts) - min(shifts) + 1, 1)
        found = [
            one_phase(windows, taps, matrix) if taps else jnp.concatenate([nothing] * stride[1], 2)
            for taps, matrix in zip(row_phases, matrices, strict=True)
        ]
        return (found[0] if len(found) == 1 else jnp.stack(found, 1)).astype(x.dtype)

    dx = over_rows(some, rows, together)
    return dx.reshape(rows * stride[0], channels, columns * stride[1], batch)[:height, :, :width]


def _kernel_gradient(
    dy: Float[Array, "h2 out w2 batch"],
    above: int,
    height: int,
    x: Float[Array, "h c w batch"],
    kernel: Float[Array, "kh kw c out"],
    stride: Pair,
    padding: Pair,
) -> Float[Array, "kh kw c out"]:
    """The gradient for the kernel, summed over rows; `dy` has `height` rows under `above` rows of zeros."""
    kh, kw, channels, out = kernel.shape
    together = rows_together(height, x, kernel)
    phases = _column_phases(x, kw, stride, padding)

    def add(state, first):
        dys = jax.lax.dynamic_slice_in_dim(dy, above + first, together)
        after = []
        for (rows, taps), (total, shifted) in zip(phases, state, strict=True):
            windows = windows_of(rows, first, together, kh, stride[0])
            for n, (_, shift) in enumerate(taps):
                begin = max(shift, 0)
                end = max(min(shift + dy.shape[2], rows.shape[2]), begin)
                shifted = jax.lax.dynamic_update_slice(
                    shifted, dys[:, :, begin - shift : end - shift], (0, n * out, begin, 0)
                )
            left, right = (v.reshape(together, v.shape[1], -1) for v in (shifted, windows))
            after.append((total + product_over_rows(left, right), shifted))
        return after

    # What is shifted is kept from row to row: the zeros beside it are written once.
    state = [
        (
            jnp.zeros((len(taps) * out, kh * channels)),
            jnp.zeros((together, len(taps) * out, rows.shape[2], x.shape[3]), x.dtype),
        )
        for rows, taps in phases
    ]
    if together == height:
        state = add(state, 0)
    else:
        state, _ = jax.lax.scan(
            lambda state, tile: (add(state, tile * together), None), state, jnp.arange(height // together)
        )
    columns = {}
    for (_, taps), (total, _) in zip(phases, state, strict=True):
        columns |= {tap: column for (tap, _), column in zip(taps, total.reshape(-1, out, kh, channels), strict=True)}
    return jnp.stack([columns[tap] for tap in range(kw)]).transpose(2, 0, 3, 1).astype(kernel.dtype)


def _column_phases(
    x: Float[Array, "h c w batch"], kw: int, stride: Pair, padding: Pair
) -> list[tuple[Float[Array, "h2 c _ batch"], Taps]]:
    """The columns of each phase that the kernel touches, with zeros above and below, and the taps that touch them."""
    phases = enumerate(taps_by_phase(kw, stride[1], padding[1]))
    return [(pad_rows(x[:, :, phase :: stride[1]], padding[0], padding[0]), taps) for phase, taps in phases if taps]
