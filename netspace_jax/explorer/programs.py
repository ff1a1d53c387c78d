"""Functions as programs that a web page runs: JAX's primitives with their operands, in JSON, and the arrays they share.

A function is traced, and its primitives are written down one after another; `programs.js` beside this module runs them
on typed arrays. So a page computes what the program computes, gradients too, and a user's own module comes along as
long as its primitives are known. Sums are taken in 64 bits there; results are rounded to 32.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from netspace_jax.errors import InputError
from netspace_jax.exchange.jaxprs import Equation, Value, walk
from netspace_jax.ops.platform import portable

# The primitives of programs.js, with the parameters that it needs beside the shape of the result.
_PARAMETERS: dict[str, tuple[str, ...]] = {
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


class Programs:
    """Programs by name, and the constants that they share.

    Attributes:
      programs: as JSON holds them: number of inputs; equations (primitive, operands, shape, kind, parameters); results.
        An operand is the number of an input or of an equation's result, or -1 - n for the n-th constant.
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
        program = _Program(len(closed.in_avals), self.hold)
        results = walk(closed, [Value(i) for i in range(program.inputs)], _can_fold, program.write)
        self.programs[name] = program.pruned([program.operand(result) for result in results])

    def hold(self, array: np.ndarray) -> int:
        """Place of a constant among `arrays`, where equal ones lie once."""
        array = np.ascontiguousarray(array)
        key = (array.shape, array.dtype.str, array.tobytes())
        if key not in self._places:
            self._places[key] = len(self.arrays)
            self.arrays.append(array)
        return self._places[key]


class _Program:
    """Equations of one program while it is being written: rows as `Programs` describes them."""

    def __init__(self, inputs: int, hold: Callable[[np.ndarray], int]):
        self.inputs, self.equations = inputs, []
        self._hold = hold

    def operand(self, value: Any) -> int:
        """Number of a value or of a constant."""
        return value.name if isinstance(value, Value) else -1 - self._hold(value)

    def write(self, equation: Equation, operands: list[Any]) -> list[Value]:
        """Write one equation; its results."""
        name, params = equation.primitive.name, equation.params
        shapes = [atom.aval.shape for atom in equation.outvars]
        dtype = equation.outvars[0].aval.dtype
        if name == "split":
            ends = np.cumsum(params["sizes"])
            begins = [[int(end - size) if i == params["axis"] else 0 for i in range(len(shapes[0]))]
                      for end, size in zip(ends, params["sizes"], strict=True)]  # fmt: skip
            return [
                self._add("slice", operands, shape, dtype, [begin, None])
                for begin, shape in zip(begins, shapes, strict=True)
            ]
        if name == "reshape" and params["dimensions"] is not None:  # it also transposes
            order = params["dimensions"]
            shape = [equation.invars[0].aval.shape[axis] for axis in order]
            operands = [self._add("transpose", operands, shape, dtype, [_plain(order)])]
        if name not in _PARAMETERS or params.get("batch_group_count", 1) != 1:
            raise InputError(f"no page for this network: its primitive {name} is not known there")
        return [self._add(name, operands, shapes[0], dtype, [_plain(params[key]) for key in _PARAMETERS[name]])]

    def _add(self, name: str, operands: list[Any], shape: Sequence[int], dtype: Any, params: list[Any]) -> Value:
        kind = "f" if np.issubdtype(dtype, np.floating) else "b" if dtype == np.bool_ else "i"
        self.equations.append([name, [*map(self.operand, operands)], list(shape), kind, params])
        return Value(self.inputs + len(self.equations) - 1)

    def pruned(self, results: list[int]) -> dict[str, Any]:
        """The program without what no result needs."""
        needed, kept = set(results), []
        for number in reversed(range(self.inputs, self.inputs + len(self.equations))):
            if number in needed:
                kept.insert(0, self.equations[number - self.inputs])
                needed.update(kept[0][1])
        numbers = sorted(number for number in needed if number >= self.inputs)
        place = {number: self.inputs + i for i, number in enumerate(numbers)}
        equations = [[name, [place.get(i, i) for i in operands], *rest] for name, operands, *rest in kept]
        return {"inputs": self.inputs, "equations": equations, "results": [place.get(i, i) for i in results]}


def _can_fold(equation: Equation, operands: list[Any]) -> bool:
    """Whether what constants give is small enough to be stored, rather than made in the page."""
    size = sum(math.prod(atom.aval.shape) for atom in equation.outvars)
    return size <= max(_FOLDED, sum(operand.size for operand in operands))


def _plain(value: Any) -> Any:
    """A parameter as JSON holds it."""
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if hasattr(value, "lhs_spec"):
        return [_plain(spec) for spec in (value.lhs_spec, value.rhs_spec, value.out_spec)]
    return value if value is None else int(value)
