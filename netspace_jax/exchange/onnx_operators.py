"""JAX's primitives as operators of ONNX: for each, a function that writes them into a graph."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from netspace_jax.exchange.jaxprs import Equation, Value
from netspace_jax.exchange.onnx_graph import Graph, Operand, unsupported


def can_fold(equation: Equation, operands: list[Operand]) -> bool:
    """Whether constants can be computed while the graph is written: all sizes are numbers."""
    return all(isinstance(size, int) for atom in equation.outvars for size in atom.aval.shape)


def write(graph: Graph, equation: Equation, operands: list[Operand]) -> list[Operand]:
    """Write one equation into the graph; its results.

    Raises:
      InputError: its primitive has no operator here, or not in this use.
    """
    name = equation.primitive.name
    if name not in _RULES:
        raise unsupported(f"its primitive {name} has no operator here")
    result = _RULES[name](graph, equation, *operands)
    return result if isinstance(result, list) else [result]


def _number(equation: Equation, value: float | int) -> np.ndarray:
    """A constant of the type of the first operand."""
    return np.array(value, equation.invars[0].aval.dtype)


def _cast(graph: Graph, value: Operand, dtype: Any) -> Value:
    from onnx import helper

    return graph.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _select(graph, equation, index, *cases):
    if len(cases) != 2 or equation.invars[0].aval.dtype != np.bool_:
        raise unsupported("its select_n chooses among more than two")
    return graph.add("Where", index, cases[1], cases[0])


def _reshape(graph, equation, x):
    order = equation.params.get("dimensions")
    if isinstance(order, tuple) and equation.primitive.name == "reshape":
        x = graph.transposed(x, order)
    return _reshaped(graph, x, equation.outvars[0].aval.shape)


def _reshaped(graph: Graph, x: Operand, shape: Sequence[Any]) -> Operand:
    if not isinstance(x, Value):
        return x.reshape(shape)
    if sum(not isinstance(size, int) for size in shape) == 1 and 0 not in shape:
        return graph.add("Reshape", x, [size if isinstance(size, int) else -1 for size in shape])
    return graph.add("Reshape", x, graph.sizes(shape))


def _broadcast(graph, equation, x, *_):
    shape, target = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    expanded = [1] * len(target)
    for axis, place in enumerate(equation.params["broadcast_dimensions"]):
        expanded[place] = shape[axis]
    x = x if len(shape) == len(target) else _reshaped(graph, x, expanded)
    return x if tuple(map(str, expanded)) == tuple(map(str, target)) else graph.add("Expand", x, graph.sizes(target))


def _dot(graph, equation, a, b):
    (a_sum, b_sum), (a_batch, b_batch) = equation.params["dimension_numbers"]
    left, right = ([""] * len(atom.aval.shape) for atom in equation.invars)
    if not a_batch and len(right) == 2 and list(a_sum) == [len(left) - 1]:
        return graph.add("MatMul", a, graph.transposed(b, (b_sum[0], 1 - b_sum[0])))
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    for i, j in [*zip(a_batch, b_batch, strict=True), *zip(a_sum, b_sum, strict=True)]:
        left[i] = right[j] = next(letters)
    left, right = ([letter or next(letters) for letter in side] for side in (left, right))
    out = [left[i] for i in a_batch]
    out += [letter for i, letter in enumerate(left) if i not in (*a_batch, *a_sum)]
    out += [letter for i, letter in enumerate(right) if i not in (*b_batch, *b_sum)]
    return graph.add("Einsum", a, b, equation=f"{''.join(left)},{''.join(right)}->{''.join(out)}")


def _edges(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Padding as ONNX has it: before each axis, then after each."""
    if any(edge < 0 for pair in pairs for edge in pair):
        raise unsupported("it cuts by negative padding")
    return [low for low, _ in pairs] + [high for _, high in pairs]


def _convolution(graph, equation, x, kernel):
    params = equation.params
    inputs_order, kernel_order, outputs_order = params["dimension_numbers"]
    if params["batch_group_count"] != 1 or any(step != 1 for step in params["lhs_dilation"]):
        raise unsupported("it has a transposed convolution, or one grouped by batch")
    y = graph.add(
        "Conv",
        graph.transposed(x, inputs_order),
        graph.transposed(kernel, kernel_order),
        group=params["feature_group_count"],
        strides=params["window_strides"],
        dilations=params["rhs_dilation"],
        pads=_edges(params["padding"]),
    )
    return graph.transposed(y, np.argsort(outputs_order).tolist())


def _pool(graph, equation, x):
    params, averages = equation.params, equation.primitive.name == "reduce_window_sum"
    window, strides, padding = (params[key] for key in ("window_dimensions", "window_strides", "padding"))
    if any(step != 1 for step in (*params["base_dilation"], *params["window_dilation"])):
        raise unsupported("it pools with dilation")
    pooled = [i for i in range(len(window)) if (window[i], strides[i], tuple(padding[i])) != (1, 1, (0, 0))]
    others = [i for i in range(len(window)) if i not in pooled]
    if len(others) < 2:
        raise unsupported("it pools over batch or channels")
    pooled, others = sorted([*pooled, *others[2:]]), others[:2]  # ONNX pools all axes but the first two
    y = graph.add(
        "AveragePool" if averages else "MaxPool",
        graph.transposed(x, [*others, *pooled]),
        kernel_shape=[window[i] for i in pooled],
        strides=[strides[i] for i in pooled],
        pads=_edges([padding[i] for i in pooled]),
        **({"count_include_pad": 1} if averages else {}),
    )
    if averages:
        y = graph.add("Mul", y, _number(equation, math.prod(window)))
    return graph.transposed(y, np.argsort([*others, *pooled]).tolist())


def _gather(graph, equation, x, indices):
    numbers, shape = equation.params["dimension_numbers"], equation.invars[0].aval.shape
    *index_shape, _ = equation.invars[1].aval.shape
    axis, *others = numbers.start_index_map
    after = axis + len(index_shape)
    along_one_axis = (
        not others
        and not numbers.operand_batching_dims
        and numbers.collapsed_slice_dims == (axis,)
        and equation.params["slice_sizes"] == (*shape[:axis], 1, *shape[axis + 1 :])
        and numbers.offset_dims == (*range(axis), *range(after, after + len(shape) - axis - 1))
    )
    if not along_one_axis:
        raise unsupported("it takes elements by indices along more than one axis")
    return graph.add("Gather", x, _reshaped(graph, indices, index_shape), axis=axis)


def _slice(graph, equation, x):
    params, sizes = equation.params, equation.invars[0].aval.shape
    axes = [i for i, size in enumerate(sizes) if isinstance(size, int)]
    steps = params["strides"] or [1] * len(sizes)
    if any((params["start_indices"][i], steps[i]) != (0, 1) for i in range(len(sizes)) if i not in axes):
        raise unsupported("it takes a part of its batch")
    starts, ends, steps = (
        [values[i] for i in axes] for values in (params["start_indices"], params["limit_indices"], steps)
    )
    return graph.add("Slice", x, starts, ends, axes, steps)


def _split(graph, equation, x):
    names = [f"part_{len(graph.nodes)}_{i}" for i in range(len(equation.outvars))]
    return graph.add("Split", x, list(equation.params["sizes"]), names=names, axis=equation.params["axis"])


def _pad(graph, equation, x, filling):
    config = equation.params["padding_config"]
    if any(between for _, _, between in config):
        raise unsupported("it pads between values")
    return graph.add("Pad", x, _edges([edges[:2] for edges in config]), filling)


def _same(operator: str, **attributes: Any) -> Callable[..., Any]:
    """An operator of the same operands."""
    return lambda graph, equation, *operands: graph.add(operator, *operands, **attributes)


def _over_axes(operator: str) -> Callable[..., Any]:
    return lambda graph, equation, x: graph.add(operator, x, list(equation.params["axes"]), keepdims=0)


_SAME = {
    "abs": "Abs", "acos": "Acos", "add": "Add", "add_any": "Add", "and": "And", "asin": "Asin", "asinh": "Asinh",
    "atan": "Atan", "ceil": "Ceil", "copy": "Identity", "cos": "Cos", "cosh": "Cosh", "div": "Div", "eq": "Equal",
    "erf": "Erf", "exp": "Exp", "floor": "Floor", "ge": "GreaterOrEqual", "gt": "Greater", "le": "LessOrEqual",
    "log": "Log", "logistic": "Sigmoid", "lt": "Less", "max": "Max", "min": "Min", "mul": "Mul", "neg": "Neg",
    "not": "Not", "or": "Or", "pow": "Pow", "round": "Round", "sign": "Sign", "sin": "Sin", "sinh": "Sinh",
    "sqrt": "Sqrt", "stop_gradient": "Identity", "sub": "Sub", "tan": "Tan", "tanh": "Tanh",
}  # fmt: skip

_RULES: dict[str, Callable[..., Any]] = {
    **{primitive: _same(operator) for primitive, operator in _SAME.items()},
    "broadcast_in_dim": _broadcast,
    "clamp": lambda graph, _, low, x, high: graph.add("Min", graph.add("Max", x, low), high),
    "concatenate": lambda graph, equation, *parts: graph.add("Concat", *parts, axis=equation.params["dimension"]),
    "conv_general_dilated": _convolution,
    "convert_element_type": lambda graph, equation, x: _cast(graph, x, equation.params["new_dtype"]),
    "dot_general": _dot,
    "gather": _gather,
    "expm1": lambda graph, equation, x: graph.add("Sub", graph.add("Exp", x), _number(equation, 1)),
    "integer_pow": lambda graph, equation, x: graph.add("Pow", x, _number(equation, equation.params["y"])),
    "log1p": lambda graph, equation, x: graph.add("Log", graph.add("Add", x, _number(equation, 1))),
    "ne": lambda graph, _, a, b: graph.add("Not", graph.add("Equal", a, b)),
    "pad": _pad,
    "reduce_max": _over_axes("ReduceMax"),
    "reduce_min": _over_axes("ReduceMin"),
    "reduce_prod": _over_axes("ReduceProd"),
    "reduce_sum": _over_axes("ReduceSum"),
    "reduce_window_max": _pool,
    "reduce_window_sum": _pool,
    "rem": _same("Mod", fmod=1),
    "reshape": _reshape,
    "rsqrt": lambda graph, _, x: graph.add("Reciprocal", graph.add("Sqrt", x)),
    "select_n": _select,
    "slice": _slice,
    "split": _split,
    "square": lambda graph, _, x: graph.add("Mul", x, x),
    "squeeze": _reshape,
    "transpose": lambda graph, equation, x: graph.transposed(x, equation.params["permutation"]),
}
