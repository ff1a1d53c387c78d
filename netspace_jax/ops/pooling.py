"""Pooling whose gradients are simple loops: that of `lax.reduce_window` is a scatter, slow on a CPU.

Windows may lie over any axes. Elements of a window are a few slices of the whole, so everything fuses.
"""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Sizes = tuple[int, ...]
Edges = tuple[tuple[int, int], ...]


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def max_pool(x: Float[Array, "*shape"], window: Sizes, strides: Sizes, padding: Edges) -> Float[Array, "*pooled"]:
    """The largest value of each window; its gradient goes to the first of equal ones, as `lax.reduce_window`'s does.

    Args:
      window, strides, padding: for each axis of `x`; what pads is smaller than any value.
    """
    return functools.reduce(jnp.maximum, _elements(_filled(x, padding, -jnp.inf), window, strides))


def _max_forward(x, window, strides, padding):
    elements = _elements(_filled(x, padding, -jnp.inf), window, strides)
    largest, winner = elements[0], jnp.zeros(elements[0].shape, jnp.int8)
    for number, element in enumerate(elements[1:], 1):
        winner = jnp.where(element > largest, jnp.int8(number), winner)
        largest = jnp.maximum(largest, element)
    return largest, (winner, jnp.zeros((0, *x.shape[1:]), x.dtype), len(x))


def _max_backward(window, strides, padding, kept, dy):
    winner, like, length = kept
    shape = (length, *like.shape[1:])
    if _tiles(shape, window, strides, padding):
        number = jnp.arange(math.prod(window), dtype=jnp.int8).reshape(_split((1,) * len(window), window))
        between = tuple(range(1, 2 * len(window), 2))
        winners, values = (jnp.expand_dims(each, between) for each in (winner, dy))
        return (jnp.where(winners == number, values, 0).reshape(shape).astype(like.dtype),)
    padded = tuple(size + low + high for size, (low, high) in zip(shape, padding, strict=True))
    total = jnp.zeros(padded, dy.dtype)
    for number, offset in enumerate(itertools.product(*map(range, window))):
        edges = [
            (begin, size - begin - ((count - 1) * stride + 1), stride - 1)
            for begin, size, count, stride in zip(offset, padded, dy.shape, strides, strict=True)
        ]
        total += jax.lax.pad(jnp.where(winner == number, dy, 0), jnp.zeros((), dy.dtype), edges)
    inside = tuple(slice(low, low + size) for size, (low, _) in zip(shape, padding, strict=True))
    return (total[inside].astype(like.dtype),)


max_pool.defvjp(_max_forward, _max_backward)


def sum_pool(x: Float[Array, "*shape"], window: Sizes, strides: Sizes, padding: Edges) -> Float[Array, "*pooled"]:
    """The sum of each window, padded with zeros."""
    if _tiles(x.shape, window, strides, padding):
        return x.reshape(_split(x.shape, window)).sum(tuple(range(1, 2 * x.ndim, 2)))
    return functools.reduce(jnp.add, _elements(_filled(x, padding, 0.0), window, strides))


def can_pool(window: Sizes) -> bool:
    """Whether windows are small enough to be written out element by element."""
    return 1 < math.prod(window) <= 64


def _tiles(shape: Sizes, window: Sizes, strides: Sizes, padding: Edges) -> bool:
    """Whether every element lies in exactly one window."""
    symbolic = not all(isinstance(size, int) for size in shape)
    return not symbolic and all(
        size % width == 0 and width == stride and edges == (0, 0)
        for size, width, stride, edges in zip(shape, window, strides, padding, strict=True)
    )


def _split(shape: Sizes, window: Sizes) -> Sizes:
    """Each axis as (windows, elements of a window)."""
    return tuple(part for size, width in zip(shape, window, strict=True) for part in (max(size // width, 1), width))


def _filled(x: Float[Array, "*shape"], padding: Edges, value: float) -> Float[Array, "*padded"]:
    return jnp.pad(x, padding, constant_values=value) if any(edge != (0, 0) for edge in padding) else x


def _elements(x: Float[Array, "*shape"], window: Sizes, strides: Sizes) -> list[Float[Array, "*pooled"]]:
    """For each place in a window, the elements that lie there in all windows."""
    counts = tuple((size - width) // stride for size, width, stride in zip(x.shape, window, strides, strict=True))
    return [
        x[tuple(slice(begin, begin + count * stride + 1, stride) if width > 1 or stride > 1 else slice(None)
                for begin, count, stride, width in zip(offset, counts, strides, window, strict=True))]
        for offset in itertools.product(*map(range, window))
    ]  # fmt: skip
