"""Convolution and pooling of anyone's function, as they suit many networks.

A user's module calls `lax.conv_general_dilated` and `lax.reduce_window`, whose gradients are slow vmapped, and on a CPU
inside a loop (`netspace_jax.ops.convolution`). `in_fast_layouts` traces a function and evaluates it again with our
own convolution and pooling in their places. Feature maps stay in the layout of our convolution from one to the next:
what works element by element, or reduces, pads, slices or joins along axes, works in any layout. That is what it is
for: PyTorch's tutorial network in Flax's layers then trains at 0.96 of the speed of ours, and where
`flax.linen.intercept_methods` puts our convolution under Flax's, with a transposition before and after, at 0.56 to 0.77
(benchmarks/RESULTS.md). On accelerators the function runs as it is.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.extend import core
from jaxtyping import Array, PyTree

from netspace_jax.ops.platform import is_portable, on_cpu
from netspace_jax.ops.transposed import (
    LAYOUT_RULES,
    Transposed,
    array_of,
    bind,
    first_transposed,
    in_order,
    restore_order,
    transposed_by,
)

_REPLACED = {"conv_general_dilated", "reduce_window_max", "reduce_window_sum"}


def in_fast_layouts(function: Callable[..., PyTree]) -> Callable[..., PyTree]:
    """The same function of arrays with our convolution and pooling.

    Outputs and gradients are the same to rounding. Left as they are: grouped and 3-D convolutions, and what lies within
    a `custom_vjp` or a `while_loop`. Only reverse-mode gradients can be taken, once, as of all our convolutions.
    """

    @functools.wraps(function)
    def run(*arguments):
        if is_portable() or not on_cpu():
            return function(*arguments)
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        found = _evaluate(closed, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), [restore_order(value) for value in found])

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
    """The function's results, each plain or transposed."""
    jaxpr = closed.jaxpr
    known = dict(zip(jaxpr.constvars, closed.consts, strict=True)) | dict(zip(jaxpr.invars, arguments, strict=True))

    def read(atom):
        return atom.val if isinstance(atom, core.Literal) else known[atom]

    for equation in jaxpr.eqns:
        name = equation.primitive.name
        found = _RULES.get(name, bind)(equation, *map(read, equation.invars))
        known.update(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _call(equation, *values):
    """A jitted function, evaluated in place."""
    inner = equation.params["jaxpr"]
    if first_transposed(values) is None and not _is_slow(inner.jaxpr):
        return bind(equation, *values)
    return _evaluate(inner, values)


def _custom_jvp(equation, *values):
    """A function with a derivative of its own, such as ReLU: both are evaluated in the layout of its argument."""
    inner, transposed = equation.params["call_jaxpr"], first_transposed(values)
    if transposed is None:
        return bind(equation, *values)
    shapes = [jax.ShapeDtypeStruct(atom.aval.shape, atom.aval.dtype) for atom in equation.invars]
    orders = [
        transposed.order if len(atom.aval.shape) == len(transposed.order) else tuple(range(len(atom.aval.shape)))
        for atom in equation.outvars
    ]

    def dressed(arrays):
        return [Transposed(a, v.order) if isinstance(v, Transposed) else a for a, v in zip(arrays, values, strict=True)]

    @jax.custom_jvp
    def call(*arrays):
        return [in_order(value, order) for value, order in zip(_evaluate(inner, dressed(arrays)), orders, strict=True)]

    @call.defjvp
    def _(primals, tangents):
        def derivative(*both):
            return jax.jvp(lambda *own: bind(equation, *own), both[: len(shapes)], both[len(shapes) :])

        pair = _evaluate(jax.make_jaxpr(derivative)(*shapes, *shapes), [*dressed(primals), *dressed(tangents)])
        arrays = [in_order(value, order) for value, order in zip(pair, orders * 2, strict=True)]
        return arrays[: len(orders)], arrays[len(orders) :]

    return [transposed_by(array, order) for array, order in zip(call(*map(array_of, values)), orders, strict=True)]


def _checkpoint(equation, *values):
    """`jax.checkpoint`: evaluated anew in the backward pass, ours too."""
    params = equation.params
    if not _is_slow(params["jaxpr"]):
        return bind(equation, *values)
    inner = _plain_function(core.ClosedJaxpr(params["jaxpr"], ()))
    again = jax.checkpoint(inner, prevent_cse=params["prevent_cse"], policy=params["policy"])
    return again(*map(restore_order, values))


def _scan(equation, *values):
    body = equation.params["jaxpr"]
    return bind(equation.replace(params={**equation.params, "jaxpr": _rewritten(body)}), *values)


def _cond(equation, *values):
    branches = tuple(map(_rewritten, equation.params["branches"]))
    return bind(equation.replace(params={**equation.params, "branches": branches}), *values)


def _plain_function(closed: core.ClosedJaxpr) -> Callable[..., list[Array]]:
    return lambda *arguments: [restore_order(value) for value in _evaluate(closed, arguments)]


def _rewritten(closed: core.ClosedJaxpr) -> core.ClosedJaxpr:
    if not _is_slow(closed.jaxpr):
        return closed
    shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype) for aval in closed.in_avals]
    return jax.make_jaxpr(_plain_function(closed))(*shapes)


_CALLS = {"jit": _call, "closed_call": _call, "custom_jvp_call": _custom_jvp, "checkpoint": _checkpoint, "scan": _scan,
          "cond": _cond}  # fmt: skip
_RULES = LAYOUT_RULES | _CALLS
