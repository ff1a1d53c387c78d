"""JAX's primitives as operators of ONNX: for each, a function that writes them into a graph."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from netspace_jax.errors import InputError
from netspace_jax.exchange.onnx_graph import Value

OPSET = 18

Rule = Callable[..., Any]


def _plain(operator: str, **attributes) -> Rule:
    """An operator of the same operands."""
    return lambda graph, equation, *operands: graph.node(operator, *map(graph.name, operands), **attributes)


def _like(operand_of: Any, value: float) -> np.ndarray:
    return np.array(value, operand_of.aval.dtype)


def _integer_pow(graph, equation, x):
    power = graph.name(_like(equation.invars[0], equation.params["y"]))
    return graph.node("Pow", graph.name(x), power)


def _rsqrt(graph, equation, x):
    return graph.node("Reciprocal", graph.node("Sqrt", graph.name(x)).name)


def _square(graph, equation, x):
    name = graph.name(x)
    return graph.node("Mul", name, name)


def _after_constant(operator: str, value: float, then: str) -> Rule:
    """`then(operator(x, value))`, as log1p(x) = log(x + 1)."""

    def rule(graph, equation, x):
        return graph.node(then, graph.node(operator, graph.name(x), graph.name(_like(equation.invars[0], value))).name)

    return rule


def _expm1(graph, equation, x):
    return graph.node("Sub", graph.node("Exp", graph.name(x)).name, graph.name(_like(equation.invars[0], 1)))


def _not_equal(graph, equation, a, b):
    return graph.node("Not", graph.node("Equal", graph.name(a), graph.name(b)).name)


def _remainder(graph, equation, a, b):
    return graph.node("Mod", graph.name(a), graph.name(b), fmod=1)


def _clamp(graph, equation, low, x, high):
    return graph.node("Min", graph.node("Max", graph.name(x), graph.name(low)).name, graph.name(high))


def _select(graph, equation, which, *cases):
    if len(cases) != 2 or equation.invars[0].aval.dtype != np.bool_:
        raise InputError("no ONNX for this network: its select_n chooses among more than two")
    return graph.node("Where", graph.name(which), graph.name(cases[1]), graph.name(cases[0]))


def _convert(graph, equation, x):
    from onnx import helper

    return graph.node("Cast", graph.name(x), to=helper.np_dtype_to_tensor_dtype(np.dtype(equation.params["new_dtype"])))


def _reshape(graph, equation, x):
    sizes = equation.outvars[0].aval.shape
    unknown = [axis for axis, size in enumerate(sizes) if not isinstance(size, int)]
    if len(unknown) == 1 and 0 not in sizes:
        return graph.node("Reshape", graph.name(x), graph.integers([s if isinstance(s, int) else -1 for s in sizes]))
    return graph.node("Reshape", graph.name(x), graph.shape(sizes))


def _broadcast(graph, equation, x, *_):
    before, after = equation.invars[0].aval.shape, equation.outvars[0].aval.shape
    where = equation.params["broadcast_dimensions"]
    ones = [1] * len(after)
    for axis, place in enumerate(where):
        ones[place] = before[axis]
    shaped = x
    if tuple(ones) != tuple(before):
        if isinstance(x, Value):
            known = [size if isinstance(size, int) else -1 for size in ones]
            shaped = graph.node("Reshape", x.name, graph.integers(known))
        else:
            shaped = x.reshape(ones)
    if tuple(map(str, ones)) == tuple(map(str, after)):
        return shaped
    return graph.node("Expand", graph.name(shaped), graph.shape(after))


def _transpose(graph, equation, x):
    return graph.transposed(x, equation.params["permutation"])


def _reduce(operator: str) -> Rule:
    def rule(graph, equation, x):
        return graph.node(operator, graph.name(x), graph.integers(equation.params["axes"]), keepdims=0)

    return rule


def _arg(operator: str) -> Rule:
    def rule(graph, equation, x):
        found = graph.node(operator, graph.name(x), axis=equation.params["axes"][0], keepdims=0)
        return _cast(graph, found, equation.params["index_dtype"])

    return rule


def _cast(graph, value, dtype):
    from onnx import helper

    return graph.node("Cast", value.name, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _dot(graph, equation, a, b):
    (a_sum, b_sum), (a_batch, b_batch) = equation.params["dimension_numbers"]
    ranks = [len(atom.aval.shape) for atom in equation.invars]
    if not a_batch and (ranks, list(a_sum)) == ([ranks[0], 2], [ranks[0] - 1]):
        return graph.node("MatMul", graph.name(a), graph.name(graph.transposed(b, (b_sum[0], 1 - b_sum[0]))))
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    left, right = ([""] * rank for rank in ranks)
    for i, j in [*zip(a_batch, b_batch, strict=True), *zip(a_sum, b_sum, strict=True)]:
        left[i] = right[j] = next(letters)
    left, right = ([letter or next(letters) for letter in side] for side in (left, right))
    out = [left[i] for i in a_batch]
    out += [x for i, x in enumerate(left) if i not in (*a_batch, *a_sum)]
    out += [x for i, x in enumerate(right) if i not in (*b_batch, *b_sum)]
    words = f"{''.join(left)},{''.join(right)}->{''.join(out)}"
    return graph.node("Einsum", graph.name(a), graph.name(b), equation=words)


def _convolution(graph, equation, x, kernel):
    params = equation.params
    lhs, rhs, out = params["dimension_numbers"]
    if params["batch_group_count"] != 1 or any(step != 1 for step in params["lhs_dilation"]):
        raise InputError("no ONNX for this network: it has a transposed convolution, or one grouped by batch")
    if any(edge < 0 for edges in params["padding"] for edge in edges):
        raise InputError("no ONNX for this network: a convolution has negative padding")
    y = graph.node(
        "Conv",
        graph.name(graph.transposed(x, lhs)),
        graph.name(graph.transposed(kernel, rhs)),
        group=params["feature_group_count"],
        strides=list(params["window_strides"]),
        dilations=list(params["rhs_dilation"]),
        pads=[low for low, _ in params["padding"]] + [high for _, high in params["padding"]],
    )
    return graph.transposed(y, np.argsort(out).tolist())


def _pooling(operator: str) -> Rule:
    def rule(graph, equation, x):
        params = equation.params
        window, strides, padding = (params[n] for n in ("window_dimensions", "window_strides", "padding"))
        spatial = [i for i in range(len(window)) if (window[i], strides[i], tuple(padding[i])) != (1, 1, (0, 0))]
        rest = [i for i in range(len(window)) if i not in spatial]
        # ONNX pools all axes but the first two.
        while len(rest) > 2:
            spatial.append(rest.pop(1))
        if len(rest) < 2 or any(step != 1 for step in params["base_dilation"]):
            raise InputError("no ONNX for this network: it pools over batch or channels, or with dilated inputs")
        order, inner = [*rest, *sorted(spatial)], sorted(spatial)
        attributes = {"count_include_pad": 1} if operator == "AveragePool" else {}
        y = graph.node(
            operator,
            graph.name(graph.transposed(x, order)),
            kernel_shape=[window[i] for i in inner],
            strides=[strides[i] for i in inner],
            pads=[padding[i][0] for i in inner] + [padding[i][1] for i in inner],
            **({"dilations": [params["window_dilation"][i] for i in inner]} if operator == "MaxPool" else {}),
            **attributes,
        )
        if operator == "AveragePool":
            if any(step != 1 for step in params["window_dilation"]):
                raise InputError("no ONNX for this network: it averages over dilated windows")
            y = graph.node("Mul", y.name, graph.name(_like(equation.invars[0], math.prod(window))))
        return graph.transposed(y, np.argsort(order).tolist())

    return rule


def _concatenate(graph, equation, *operands):
    return graph.node("Concat", *map(graph.name, operands), axis=equation.params["dimension"])


def _slice(graph, equation, x):
    params, name = equation.params, graph.name(x)
    sizes = equation.invars[0].aval.shape
    axes = [i for i, size in enumerate(sizes) if isinstance(size, int)]
    starts, ends = ([params[word][i] for i in axes] for word in ("start_indices", "limit_indices"))
    steps = [params["strides"][i] if params["strides"] else 1 for i in axes]
    if any(params["start_indices"][i] != 0 for i in range(len(sizes)) if i not in axes):
        raise InputError("no ONNX for this network: it takes a part of its batch")
    return graph.node("Slice", name, *map(graph.integers, (starts, ends, axes, steps)))


def _split(graph, equation, x):
    from onnx import helper

    sizes, axis = equation.params["sizes"], equation.params["axis"]
    names = [graph._fresh("part") for _ in sizes]
    graph.nodes.append(helper.make_node("Split", [graph.name(x), graph.integers(sizes)], names, axis=axis))
    return [Value(name) for name in names]


def _pad(graph, equation, x, filling):
    edges = equation.params["padding_config"]
    if any(inner or low < 0 or high < 0 for low, high, inner in edges):
        raise InputError("no ONNX for this network: it pads between values, or cuts by padding")
    pads = [low for low, _, _ in edges] + [high for _, high, _ in edges]
    return graph.node("Pad", graph.name(x), graph.integers(pads), graph.name(filling))


def _cumsum(graph, equation, x):
    axis = graph.name(np.array(equation.params["axis"], np.int64))
    return graph.node("CumSum", graph.name(x), axis, reverse=int(equation.params["reverse"]))


_SAME = {
    "abs": "Abs", "acos": "Acos", "add": "Add", "add_any": "Add", "and": "And", "asin": "Asin", "asinh": "Asinh",
    "atan": "Atan", "ceil": "Ceil", "copy": "Identity", "cos": "Cos", "cosh": "Cosh", "div": "Div", "eq": "Equal",
    "erf": "Erf", "exp": "Exp", "floor": "Floor", "ge": "GreaterOrEqual", "gt": "Greater", "le": "LessOrEqual",
    "log": "Log", "logistic": "Sigmoid", "lt": "Less", "max": "Max", "min": "Min", "mul": "Mul", "neg": "Neg",
    "not": "Not", "or": "Or", "pow": "Pow", "sign": "Sign", "sin": "Sin", "sinh": "Sinh", "sqrt": "Sqrt",
    "stop_gradient": "Identity", "sub": "Sub", "tan": "Tan", "tanh": "Tanh",
}  # fmt: skip

RULES: dict[str, Rule] = {
    **{primitive: _plain(operator) for primitive, operator in _SAME.items()},
    "argmax": _arg("ArgMax"),
    "argmin": _arg("ArgMin"),
    "broadcast_in_dim": _broadcast,
    "clamp": _clamp,
    "concatenate": _concatenate,
    "conv_general_dilated": _convolution,
    "convert_element_type": _convert,
    "cumsum": _cumsum,
    "dot_general": _dot,
    "expm1": _expm1,
    "integer_pow": _integer_pow,
    "log1p": _after_constant("Add", 1.0, "Log"),
    "ne": _not_equal,
    "pad": _pad,
    "reduce_max": _reduce("ReduceMax"),
    "reduce_min": _reduce("ReduceMin"),
    "reduce_prod": _reduce("ReduceProd"),
    "reduce_sum": _reduce("ReduceSum"),
    "reduce_window_max": _pooling("MaxPool"),
    "reduce_window_sum": _pooling("AveragePool"),
    "rem": _remainder,
    "reshape": _reshape,
    "round": _plain("Round"),
    "rsqrt": _rsqrt,
    "select_n": _select,
    "slice": _slice,
    "split": _split,
    "square": _square,
    "squeeze": _reshape,
    "transpose": _transpose,
}
