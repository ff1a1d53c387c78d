"""Convolution and pooling of anyone's function, as they suit many networks on a CPU.

A user's module calls `lax.conv_general_dilated` and `lax.reduce_window`, whose gradients are slow on a CPU inside a
loop and vmapped (`netspace_jax.ops.convolution`). `in_fast_layouts` traces a function and evaluates it again with our
own convolution and pooling in their places. Feature maps stay in the layout of our convolution from one to the next:
what works element by element, or reduces, pads, slices or joins along axes, works in any layout.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
from jax.extend import core
from jaxtyping import Array, PyTree

from netspace_jax.ops.convolution import row_conv2d
from netspace_jax.ops.platform import on_cpu
from netspace_jax.ops.pooling import can_pool, max_pool, sum_pool

Order = tuple[int, ...]

_REPLACED = {"conv_general_dilated", "reduce_window_max", "reduce_window_sum"}
_ELEMENTWISE = {
    "abs", "add", "add_any", "and", "asinh", "atan", "atan2", "cbrt", "ceil", "clamp", "convert_element_type", "copy",
    "cos", "cosh", "div", "eq", "erf", "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "ge", "gt", "integer_pow",
    "is_finite", "le", "log", "log1p", "logistic", "lt", "max", "min", "mul", "ne", "neg", "nextafter", "not", "or",
    "pow", "real", "rem", "round", "rsqrt", "select_n", "sign", "sin", "sinh", "sqrt", "square", "stop_gradient", "sub",
    "tan", "tanh", "xor",
}  # fmt: skip
_REDUCTIONS = {"argmax", "argmin", "reduce_and", "reduce_max", "reduce_min", "reduce_or", "reduce_prod", "reduce_sum"}


class Laid(NamedTuple):
    """A value whose axes lie in another order: `array` is the value transposed by `order`."""

    array: Any
    order: Order


def in_fast_layouts(function: Callable[..., PyTree]) -> Callable[..., PyTree]:
    """The same function of arrays with our convolution and pooling, on a CPU; elsewhere as it is.

    Outputs and gradients are the same to rounding. Left as they are: grouped and 3-D convolutions, and what lies within
    a `custom_vjp` or a `while_loop`. Only reverse-mode gradients can be taken, once, as of all our convolutions.
    """

    @functools.wraps(function)
    def run(*arguments):
        if not on_cpu():
            return function(*arguments)
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        found = _evaluate(closed, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), [_plain(value) for value in found])

    return run


def has_slow_layouts(function: Callable[..., PyTree], *arguments: PyTree) -> bool:
    """Whether a function of arrays, or of their shapes, calls what `in_fast_layouts` replaces."""
    return _is_slow(jax.make_jaxpr(function)(*arguments).jaxpr)


def _is_slow(jaxpr: core.Jaxpr) -> bool:
    return any(equation.primitive.name in _REPLACED or any(map(_is_slow, _within(equation))) for equation in jaxpr.eqns)


def _within(equation: core.JaxprEqn) -> list[core.Jaxpr]:
    """The functions that an equation calls and that we look into."""
    if equation.primitive.name not in _CALLS:
        return []
    values = [each for value in equation.params.values() for each in (value if isinstance(value, tuple) else (value,))]
    closed = [value.jaxpr for value in values if isinstance(value, core.ClosedJaxpr)]
    return closed + [value for value in values if isinstance(value, core.Jaxpr)]


def _evaluate(closed: core.ClosedJaxpr, arguments: Sequence[Any]) -> list[Any]:
    """The function's results, each plain or laid."""
    jaxpr = closed.jaxpr
    known = dict(zip(jaxpr.constvars, closed.consts, strict=True)) | dict(zip(jaxpr.invars, arguments, strict=True))

    def read(atom):
        return atom.val if isinstance(atom, core.Literal) else known[atom]

    for equation in jaxpr.eqns:
        name = equation.primitive.name
        rule = _elementwise if name in _ELEMENTWISE else _reduction if name in _REDUCTIONS else _RULES.get(name, _bind)
        found = rule(equation, *map(read, equation.invars))
        known.update(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _bind(equation: core.JaxprEqn, *values) -> list[Any]:
    """The equation as it is, of plain values."""
    bound = equation.primitive.get_bind_params(equation.params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)  # functions apart: JAX before 0.10
    found = equation.primitive.bind(*functions, *map(_plain, values), **params)
    return list(found) if equation.primitive.multiple_results else [found]


def _bind_laid(equation: core.JaxprEqn, *arrays: Any, **changes) -> Any:
    """The equation of one result of arrays in another layout, with some of its parameters changed."""
    return equation.primitive.bind(*arrays, **{**equation.params, **changes})


def _laid(array: Any, order: Sequence[int]) -> Any:
    """A value with its axes in an order: the array itself where that is its own."""
    return Laid(array, tuple(order)) if list(order) != sorted(order) else array


def _plain(value: Any) -> Any:
    return _in_order(value, tuple(range(len(value.order)))) if isinstance(value, Laid) else value


def _in_order(value: Any, order: Order) -> Any:
    """The array of a value with its axes in an order."""
    array, own = value if isinstance(value, Laid) else (value, tuple(range(len(order))))
    return array if own == order else jnp.transpose(array, [own.index(axis) for axis in order])


def _first_laid(values: Sequence[Any]) -> Laid | None:
    return next((value for value in values if isinstance(value, Laid)), None)


def _elementwise(equation, *values):
    laid = _first_laid(values)
    if laid is None:
        return _bind(equation, *values)
    arrays = [value if jnp.ndim(_array(value)) == 0 else _in_order(value, laid.order) for value in values]
    return [_laid(_bind_laid(equation, *arrays), laid.order)]


def _array(value):
    return value.array if isinstance(value, Laid) else value


def _reduction(equation, value):
    if not isinstance(value, Laid):
        return _bind(equation, value)
    axes = equation.params["axes"]
    found = _bind_laid(equation, value.array, axes=tuple(value.order.index(axis) for axis in axes))
    left = [axis for axis in value.order if axis not in axes]
    return [_laid(found, tuple(sorted(left).index(axis) for axis in left))]


def _transpose(equation, value):
    if not isinstance(value, Laid):
        return _bind(equation, value)
    return [_laid(value.array, tuple(equation.params["permutation"].index(axis) for axis in value.order))]


def _concatenate(equation, *values):
    laid = _first_laid(values)
    if laid is None:
        return _bind(equation, *values)
    dimension = laid.order.index(equation.params["dimension"])
    return [_laid(jnp.concatenate([_in_order(value, laid.order) for value in values], dimension), laid.order)]


def _pad(equation, value, filling):
    if not isinstance(value, Laid):
        return _bind(equation, value, filling)
    edges = equation.params["padding_config"]
    return [_laid(jax.lax.pad(value.array, filling, [edges[axis] for axis in value.order]), value.order)]


def _slice(equation, value):
    if not isinstance(value, Laid):
        return _bind(equation, value)
    names = ("start_indices", "limit_indices", "strides")
    limits = [equation.params[name] for name in names]
    return [
        _laid(jax.lax.slice(value.array, *(each and [each[i] for i in value.order] for each in limits)), value.order)
    ]


def _reshape(equation, value):
    """Each axis cut into several, as group norm does, in any layout."""
    parts = _cuts(equation.invars[0].aval.shape, equation.outvars[0].aval.shape) if isinstance(value, Laid) else None
    if parts is None:
        return _bind(equation, value)
    order = tuple(axis for own in value.order for axis in parts[own])
    sizes = equation.outvars[0].aval.shape
    return [_laid(value.array.reshape([sizes[axis] for axis in order]), order)]


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
        return _bind(equation, x, kernel)
    lhs, rhs, out = equation.params["dimension_numbers"]
    x_array, k_array = _in_order(x, _maps_order(lhs)), _in_order(kernel, _kernel_order(rhs))
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
    y = cast(Array, row_conv2d(x_array, k_array, tuple(strides), own))
    return [_laid(y[0] if alone else y, _maps_order(out))]


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
        return _bind(equation, value)
    array, order = value if isinstance(value, Laid) else (value, tuple(range(value.ndim)))
    pool = max_pool if equation.primitive.name == "reduce_window_max" else sum_pool
    names = ("window_dimensions", "window_strides", "padding")
    return [_laid(pool(array, *(tuple(params[name][axis] for axis in order) for name in names)), order)]


def _call(equation, *values):
    """A jitted function, evaluated in place."""
    inner = equation.params["jaxpr"]
    if _first_laid(values) is None and not _is_slow(inner.jaxpr):
        return _bind(equation, *values)
    return _evaluate(inner, values)


def _custom_jvp(equation, *values):
    """A function with a derivative of its own, such as ReLU: both are evaluated in the layout of its argument."""
    inner, laid = equation.params["call_jaxpr"], _first_laid(values)
    if laid is None:
        return _bind(equation, *values)
    shapes = [jax.ShapeDtypeStruct(atom.aval.shape, atom.aval.dtype) for atom in equation.invars]
    orders = [
        laid.order if len(atom.aval.shape) == len(laid.order) else tuple(range(len(atom.aval.shape)))
        for atom in equation.outvars
    ]

    def dressed(arrays):
        return [Laid(a, v.order) if isinstance(v, Laid) else a for a, v in zip(arrays, values, strict=True)]

    @jax.custom_jvp
    def call(*arrays):
        return [_in_order(value, order) for value, order in zip(_evaluate(inner, dressed(arrays)), orders, strict=True)]

    @call.defjvp
    def _(primals, tangents):
        def derivative(*both):
            return jax.jvp(lambda *own: _bind(equation, *own), both[: len(shapes)], both[len(shapes) :])

        pair = _evaluate(jax.make_jaxpr(derivative)(*shapes, *shapes), [*dressed(primals), *dressed(tangents)])
        arrays = [_in_order(value, order) for value, order in zip(pair, orders * 2, strict=True)]
        return arrays[: len(orders)], arrays[len(orders) :]

    return [_laid(array, order) for array, order in zip(call(*map(_array, values)), orders, strict=True)]


def _checkpoint(equation, *values):
    """`jax.checkpoint`: evaluated anew in the backward pass, ours too."""
    params = equation.params
    if not _is_slow(params["jaxpr"]):
        return _bind(equation, *values)
    inner = _plain_function(core.ClosedJaxpr(params["jaxpr"], ()))
    again = jax.checkpoint(inner, prevent_cse=params["prevent_cse"], policy=params["policy"])
    return again(*map(_plain, values))


def _scan(equation, *values):
    body = equation.params["jaxpr"]
    return _bind(equation.replace(params={**equation.params, "jaxpr": _rewritten(body)}), *values)


def _cond(equation, *values):
    branches = tuple(map(_rewritten, equation.params["branches"]))
    return _bind(equation.replace(params={**equation.params, "branches": branches}), *values)


def _plain_function(closed: core.ClosedJaxpr) -> Callable[..., list[Array]]:
    return lambda *arguments: [_plain(value) for value in _evaluate(closed, arguments)]


def _rewritten(closed: core.ClosedJaxpr) -> core.ClosedJaxpr:
    if not _is_slow(closed.jaxpr):
        return closed
    shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in closed.in_avals]
    return jax.make_jaxpr(_plain_function(closed))(*shapes)


_CALLS = {"jit": _call, "closed_call": _call, "custom_jvp_call": _custom_jvp, "checkpoint": _checkpoint, "scan": _scan,
          "cond": _cond}  # fmt: skip
_RULES = {
    "conv_general_dilated": _convolution,
    "reduce_window_max": _pooling,
    "reduce_window_sum": _pooling,
    "transpose": _transpose,
    "concatenate": _concatenate,
    "pad": _pad,
    "slice": _slice,
    "reshape": _reshape,
    **_CALLS,
}
