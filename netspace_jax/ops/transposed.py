"""What each operation does with a value whose axes lie in another order, and our convolution and pooling among them."""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jaxtyping import Array

from netspace_jax.ops.convolution import conv2d
from netspace_jax.ops.pooling import can_pool, max_pool, sum_pool

Order = tuple[int, ...]

_ELEMENTWISE = {
    "abs", "add", "add_any", "and", "asinh", "atan", "atan2", "cbrt", "ceil", "clamp", "convert_element_type", "copy",
    "cos", "cosh", "div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "ge", "gt", "integer_pow",
    "is_finite", "le", "log", "log1p", "logistic", "lt", "max", "min", "mul", "ne", "neg", "nextafter", "not", "or",
    "pow", "real", "rem", "round", "rsqrt", "select_n", "sign", "sin", "sinh", "sqrt", "square", "stop_gradient", "sub",
    "tan", "tanh", "xor",
}  # fmt: skip
_REDUCTIONS = {"argmax", "argmin", "reduce_and", "reduce_max", "reduce_min", "reduce_or", "reduce_prod", "reduce_sum"}


class Transposed(NamedTuple):
    """A value whose axes lie in another order: `array` is the value transposed by `order`."""

    array: Any
    order: Order


def bind(equation: Any, *values) -> list[Any]:
    """The equation as it is, of plain values."""
    bound = equation.primitive.get_bind_params(equation.params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)  # functions apart: JAX before 0.10
    found = equation.primitive.bind(*functions, *map(restore_order, values), **params)
    return list(found) if equation.primitive.multiple_results else [found]


def bind_transposed(equation: Any, *arrays: Any, **changes) -> Any:
    """The equation of one result of arrays in another layout, with some of its parameters changed."""
    return equation.primitive.bind(*arrays, **{**equation.params, **changes})


def transposed_by(array: Any, order: Sequence[int]) -> Any:
    """A value with its axes in an order: the array itself where that is its own."""
    return Transposed(array, tuple(order)) if list(order) != sorted(order) else array


def restore_order(value: Any) -> Any:
    """The value with its axes in their own order."""
    return in_order(value, tuple(range(len(value.order)))) if isinstance(value, Transposed) else value


def in_order(value: Any, order: Order) -> Any:
    """The array of a value with its axes in an order."""
    array, own = value if isinstance(value, Transposed) else (value, tuple(range(len(order))))
    return array if own == order else jnp.transpose(array, [own.index(axis) for axis in order])


def first_transposed(values: Sequence[Any]) -> Transposed | None:
    """The first value whose axes lie in another order."""
    return next((value for value in values if isinstance(value, Transposed)), None)


def _elementwise(equation, *values):
    transposed = first_transposed(values)
    if transposed is None:
        return bind(equation, *values)
    arrays = [value if jnp.ndim(array_of(value)) == 0 else in_order(value, transposed.order) for value in values]
    return [transposed_by(bind_transposed(equation, *arrays), transposed.order)]


def array_of(value: Any) -> Any:
    """The array of a value, in whatever order."""
    return value.array if isinstance(value, Transposed) else value


def _reduction(equation, value):
    if not isinstance(value, Transposed):
        return bind(equation, value)
    axes = equation.params["axes"]
    found = bind_transposed(equation, value.array, axes=tuple(value.order.index(axis) for axis in axes))
    left = [axis for axis in value.order if axis not in axes]
    return [transposed_by(found, tuple(sorted(left).index(axis) for axis in left))]


def _transpose(equation, value):
    if not isinstance(value, Transposed):
        return bind(equation, value)
    return [transposed_by(value.array, tuple(equation.params["permutation"].index(axis) for axis in value.order))]


def _concatenate(equation, *values):
    transposed = first_transposed(values)
    if transposed is None:
        return bind(equation, *values)
    dimension = transposed.order.index(equation.params["dimension"])
    return [
        transposed_by(
            jnp.concatenate([in_order(value, transposed.order) for value in values], dimension), transposed.order
        )
    ]


def _pad(equation, value, filling):
    if not isinstance(value, Transposed):
        return bind(equation, value, filling)
    edges = equation.params["padding_config"]
    return [transposed_by(jax.lax.pad(value.array, filling, [edges[axis] for axis in value.order]), value.order)]


def _slice(equation, value):
    if not isinstance(value, Transposed):
        return bind(equation, value)
    names = ("start_indices", "limit_indices", "strides")
    limits = [equation.params[name] for name in names]
    return [
        transposed_by(
            jax.lax.slice(value.array, *(each and [each[i] for i in value.order] for each in limits)), value.order
        )
    ]


def _reshape(equation, value):
    """Each axis cut into several, as group norm does, in any layout."""
    parts = (
        _cuts(equation.invars[0].aval.shape, equation.outvars[0].aval.shape) if isinstance(value, Transposed) else None
    )
    if parts is None:
        return bind(equation, value)
    order = tuple(axis for own in value.order for axis in parts[own])
    sizes = equation.outvars[0].aval.shape
    return [transposed_by(value.array.reshape([sizes[axis] for axis in order]), order)]


def _cuts(before: tuple[int, ...], after: tuple[int, ...]) -> list[list[int]] | None:
    """Which axes each axis becomes; None where one becomes a part of another, or sizes are symbols."""
    if not all(isinstance(size, int) and size > 0 for size in (*before, *after)):
        return None
    parts, axis = [], 0
    for size in before:
        own, product = [], 1
        while axis < len(after) and (product < size or not own):
            own.append(axis)
            product *= after[axis]
            axis += 1
        if product != size:
            return None
        parts.append(own)
    return parts if axis == len(after) else None


def _convolution(equation, x, kernel):
    shapes = [atom.aval for atom in (*equation.invars, *equation.outvars)]
    if not _is_ours(equation.params, shapes):
        return bind(equation, x, kernel)
    lhs, rhs, out = equation.params["dimension_numbers"]
    x_array, k_array = in_order(x, _maps_order(lhs)), in_order(kernel, _kernel_order(rhs))
    alone = len(lhs) == 3  # one spatial axis: a single row
    if alone:
        x_array, k_array = x_array[None], k_array[None]

    def of_both(name: str, of_one: Any) -> Any:
        return (of_one, *equation.params[name]) if alone else equation.params[name]

    padding, strides = of_both("padding", (0, 0)), of_both("window_strides", 1)
    inner = [step - 1 for step in of_both("rhs_dilation", 1)]
    if any(inner):  # the same kernel with zeros between
        k_array = jax.lax.pad(
            k_array, jnp.zeros((), k_array.dtype), [*((0, 0, gap) for gap in inner), *[(0, 0, 0)] * 2]
        )
    # What is padded alike on both sides is the convolution's own; the rest, and zeros between inputs, are written.
    own = tuple(max(min(edges), 0) for edges in padding)
    gaps = [step - 1 for step in of_both("lhs_dilation", 1)]
    rows, columns = ((low - each, high - each, gap) for (low, high), each, gap in zip(padding, own, gaps, strict=True))
    if any(rows) or any(columns):
        x_array = jax.lax.pad(x_array, jnp.zeros((), x_array.dtype), [rows, (0, 0, 0), columns, (0, 0, 0)])
    y = cast(Array, conv2d(x_array, k_array, tuple(strides), own))
    return [transposed_by(y[0] if alone else y, _maps_order(out))]


def _is_ours(params: dict[str, Any], shapes: Sequence[Any]) -> bool:
    x, kernel, y = shapes
    groups = params["feature_group_count"], params["batch_group_count"]
    sizes = [size for shape in shapes for size in shape.shape if isinstance(size, int)]
    floating = x.dtype == kernel.dtype == y.dtype and jnp.issubdtype(x.dtype, jnp.floating)
    return groups == (1, 1) and len(x.shape) in (3, 4) and floating and min(sizes) > 0


def _maps_order(spec: Order) -> Order:
    """(height, channels, width, batch), or (channels, width, batch), from (batch, channels, spatial…)."""
    batch, channels, *rows, columns = spec
    return (*rows, channels, columns, batch)


def _kernel_order(spec: Order) -> Order:
    """(spatial…, in, out), from (out, in, spatial…)."""
    out, channels, *spatial = spec
    return (*spatial, channels, out)


def _pooling(equation, value):
    params = equation.params
    dilated = any(step != 1 for name in ("base_dilation", "window_dilation") for step in params[name])
    floating = jnp.issubdtype(equation.outvars[0].aval.dtype, jnp.floating)
    if dilated or not floating or not can_pool(params["window_dimensions"]):
        return bind(equation, value)
    array, order = value if isinstance(value, Transposed) else (value, tuple(range(value.ndim)))
    pool = max_pool if equation.primitive.name == "reduce_window_max" else sum_pool
    names = ("window_dimensions", "window_strides", "padding")
    return [transposed_by(pool(array, *(tuple(params[name][axis] for axis in order) for name in names)), order)]


LAYOUT_RULES = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_REDUCTIONS, _reduction),
    "conv_general_dilated": _convolution,
    "reduce_window_max": _pooling,
    "reduce_window_sum": _pooling,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "pad": _pad,
    "slice": _slice,
    "reshape": _reshape,
}
"""From a primitive's name to the equation's results, given the equation and its values, plain or transposed."""
