"""Functions as programs that a web page runs: JAX's primitives with their operands, in JSON, and the arrays they share.

A function is traced, and its primitives are written down one after another; `programs.js` beside this module runs them
on typed arrays. So a page computes what the program computes, gradients too, and a user's own module comes along as
long as its primitives are known. Sums are taken in 64 bits there; results are rounded to 32.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, cast

import jax
import numpy as np
from jax.extend import core

from netspace_jax.errors import InputError
from netspace_jax.exchange import traced
from netspace_jax.ops.platform import portable

# Primitives that programs.js knows, with the parameters that it needs beside the shape of the result.
_KNOWN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("abs", "add", "add_any", "and", "ceil", "clamp", "convert_element_type", "copy", "cos", "div", "eq", "exp",
         "expm1", "floor", "ge", "gt", "le", "log", "log1p", "logistic", "lt", "max", "min", "mul", "ne", "neg", "not",
         "or", "pow", "rem", "reshape", "round", "rsqrt", "select_n", "sign", "sin", "sqrt", "square", "squeeze",
         "stop_gradient", "sub", "tanh"),
        (),
    ),
    "argmax": ("axes",),
    "argmin": ("axes",),
    "broadcast_in_dim": ("broadcast_dimensions",),
    "concatenate": ("dimension",),
    "conv_general_dilated": ("window_strides", "padding", "lhs_dilation", "rhs_dilation", "feature_group_count",
                             "dimension_numbers"),
    "dot_general": ("dimension_numbers",),
    "expand_dims": (),
    "integer_pow": ("y",),
    "pad": ("padding_config",),
    "reduce_max": ("axes",),
    "reduce_min": ("axes",),
    "reduce_sum": ("axes",),
    "reduce_window_max": ("window_dimensions", "window_strides", "padding"),
    "reduce_window_sum": ("window_dimensions", "window_strides", "padding"),
    "rev": ("dimensions",),
    "slice": ("start_indices", "strides"),
    "transpose": ("permutation",),
}  # fmt: skip
_FOLDED = 1024  # values that constants may grow to while tracing; beyond, the page makes them itself


class _Value(NamedTuple):
    """What a program computes, by its number."""

    number: int


class Programs:
    """Programs by name, and the constants that they share.

    Attributes:
      programs: as JSON holds them: number of inputs; equations (primitive, operands, shape, kind, parameters); results.
        An operand is the number of an input or of an equation's result, or -1 - n for the n-th constant.
      arrays: the constants.
    """

    def __init__(self) -> None:
        self.programs: dict[str, dict[str, Any]] = {}
        self.arrays: list[np.ndarray] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def add(self, name: str, function: Callable[..., Any], *examples: Any) -> None:
        """Trace a function of arrays for arguments of the examples' shapes.

        Raises:
          InputError: it holds a primitive that pages do not know; it is named.
        """
        with portable():
            closed = jax.make_jaxpr(function)(*examples)
        equations: list[list[Any]] = []
        results = self._written(closed, [_Value(i) for i in range(len(closed.in_avals))], equations)
        self.programs[name] = _pruned(len(closed.in_avals), equations, [self._operand(each) for each in results])

    def hold(self, array: np.ndarray) -> int:
        """Place of a constant among `arrays`, where equal ones lie once."""
        array = np.ascontiguousarray(array)
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._places:
            self._places[key] = len(self.arrays)
            self.arrays.append(array)
        return self._places[key]

    def _operand(self, value: Any) -> int:
        return value.number if isinstance(value, _Value) else -1 - self.hold(value)

    def _written(self, closed: core.ClosedJaxpr, arguments: list[Any], equations: list[list[Any]]) -> list[Any]:
        return traced.written(closed, arguments, lambda equation, values: self._equation(equation, values, equations))

    def _equation(self, equation: core.JaxprEqn, values: list[Any], equations: list[Any]) -> list[Any]:
        name, results = equation.primitive.name, cast(list[Any], equation.outvars)
        if not any(isinstance(value, _Value) for value in values):
            size = sum(math.prod(atom.aval.shape) for atom in results)
            if size <= max(_FOLDED, sum(value.size for value in values)):
                return traced.computed(equation, values)
        if traced.is_sine(equation):
            name = "sin"
        elif (closed := traced.inner(equation)) is not None:
            return self._written(closed, values, equations)
        if name == "split":
            return self._split(equation, values[0], equations)
        if name not in _KNOWN or equation.params.get("batch_group_count", 1) != 1:
            raise InputError(f"no page for this network: its primitive {name} is not known there")
        params = [_plain(equation.params[key]) for key in _KNOWN[name]]
        return [self._wrote(name, values, results[0].aval, params, equations)]

    def _split(self, equation: core.JaxprEqn, value: Any, equations: list[Any]) -> list[Any]:
        """Parts of an array, as slices."""
        axis, start, found = equation.params["axis"], 0, []
        for atom in cast(list[Any], equation.outvars):
            starts = [start if i == axis else 0 for i in range(len(atom.aval.shape))]
            found.append(self._wrote("slice", [value], atom.aval, [starts, None], equations))
            start += atom.aval.shape[axis]
        return found

    def _wrote(self, name: str, values: list[Any], result: Any, params: list[Any], equations: list[Any]) -> _Value:
        kind = "f" if np.issubdtype(result.dtype, np.floating) else "b" if result.dtype == np.bool_ else "i"
        equations.append([name, [self._operand(value) for value in values], list(result.shape), kind, params])
        return _Value(-len(equations) - 10**9)  # numbered after the inputs when all is written


def _plain(value: Any) -> Any:
    """A parameter as JSON holds it."""
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if hasattr(value, "lhs_spec"):
        return [_plain(spec) for spec in (value.lhs_spec, value.rhs_spec, value.out_spec)]
    return value if value is None else int(value)


def _pruned(inputs: int, equations: list[list[Any]], results: list[int]) -> dict[str, Any]:
    """The program without what no result needs, its equations numbered after its inputs."""

    def place(operand: int) -> int | None:
        return -operand - 10**9 - 1 if operand <= -(10**9) else None

    needed, stack = set(), [place(result) for result in results]
    while stack:
        index = stack.pop()
        if index is not None and index not in needed:
            needed.add(index)
            stack += [place(operand) for operand in equations[index][1]]
    number = {index: inputs + count for count, index in enumerate(sorted(needed))}

    def numbered(operand: int) -> int:
        index = place(operand)
        return operand if index is None else number[index]

    kept = [[name, [*map(numbered, operands)], *rest] for name, operands, *rest in (equations[i] for i in number)]
    return {"inputs": inputs, "equations": kept, "results": [numbered(result) for result in results]}
