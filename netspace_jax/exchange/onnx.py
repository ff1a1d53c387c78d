"""One network as an ONNX graph of its inputs alone, for any batch size.

The network is traced by JAX, and each primitive becomes an operator of ONNX (`netspace_jax.exchange.onnx_operators`):
so a user's own module comes along, as long as its primitives are known. What depends on parameters alone, as a kernel
brought to ONNX's layout, is computed here and stored as a constant.
"""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core
from jaxtyping import Array, Float, Shaped

from netspace_jax.architectures import Architecture, parameters
from netspace_jax.errors import InputError
from netspace_jax.exchange import traced
from netspace_jax.exchange.onnx_graph import Graph, Value
from netspace_jax.exchange.onnx_operators import OPSET, RULES
from netspace_jax.exchange.stablehlo import any_batch, for_any_batch
from netspace_jax.ops.platform import portable

EXTRA = "pip install onnx"
_LONGEST = 256  # steps of a scan, which is written out


def to_onnx(architecture: Architecture, flat: Float[Array, "size"] | Float[np.ndarray, "size"]) -> bytes:
    """The function from inputs [batch, *input_shape] to outputs as an ONNX model, its parameters within it.

    Raises:
      InputError: onnx is not installed, or the network holds a primitive that has no operator here; it is named.
      ValueError: the vector is not a network of this architecture.
    """
    if importlib.util.find_spec("onnx") is None:
        raise InputError(f"ONNX needs onnx: {EXTRA}")
    if flat.shape != (architecture.size,):
        raise ValueError(f"vector of shape {flat.shape} is not a {architecture.name} of {architecture.size} parameters")
    import onnx
    from onnx import TensorProto, helper

    params, inputs = parameters.unflatten(architecture.spec, jnp.asarray(flat)), any_batch(architecture.input_shape)

    def apply(x):
        return cast(Array, architecture.module.apply({"params": params}, x))

    with portable():
        closed = jax.make_jaxpr(for_any_batch(apply, inputs))(inputs)
    graph = Graph("inputs")
    (result,) = _written(graph, closed, [Value("inputs")])
    graph.node("Identity", graph.name(result), output="outputs")
    width = closed.out_avals[0].shape[-1]
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            architecture.name,
            [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["batch", *architecture.input_shape])],
            [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, ["batch", width])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="netspace_jax",
        ir_version=9,  # what runtimes of 2024 read
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def from_onnx(source: str | os.PathLike | bytes) -> Callable[[Shaped[Any, "batch *input"]], np.ndarray]:
    """The function that an ONNX file holds, run by onnxruntime on the CPU.

    Raises:
      InputError: onnxruntime is not installed, or the file is not such a function of one input.
    """
    if importlib.util.find_spec("onnxruntime") is None:
        raise InputError("reading ONNX needs onnxruntime: pip install onnxruntime")
    import onnxruntime

    name = "onnx" if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    except OSError as error:
        raise InputError(f"{name} cannot be read ({error.strerror})") from error
    except Exception as error:  # onnxruntime has a class of its own for every fault
        raise InputError(f"{name} is not an ONNX model that onnxruntime reads ({type(error).__name__})") from error
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise InputError(f"{name} takes {len(inputs)} inputs, and a network here takes one")
    return lambda x: np.asarray(session.run(None, {inputs[0].name: np.asarray(x, np.float32)})[0])


def _written(graph: Graph, closed: core.ClosedJaxpr, arguments: list[Any]) -> list[Any]:
    """Write a function's operators into the graph; its results, as arrays where they are constant."""
    return traced.written(closed, arguments, lambda equation, values: _operators(graph, equation, values))


def _operators(graph: Graph, equation: core.JaxprEqn, values: list[Any]) -> list[Any]:
    name = equation.primitive.name
    if traced.is_static(equation) and not any(isinstance(value, Value) for value in values):
        return traced.computed(equation, values)
    if traced.is_sine(equation):
        return [graph.node("Sin", graph.name(values[0]))]
    closed = traced.inner(equation)
    if closed is not None:
        return _written(graph, closed, values)
    if name == "scan" and equation.params["length"] <= _LONGEST:
        return _scan(graph, equation, values)
    if name not in RULES:
        raise InputError(f"no ONNX for this network: its primitive {name} has no operator here")
    found = RULES[name](graph, equation, *values)
    return found if equation.primitive.multiple_results else [found]


def _scan(graph: Graph, equation: core.JaxprEqn, values: list[Any]) -> list[Any]:
    """A loop of known length, written out step by step."""
    params = equation.params
    fixed, carried = params["num_consts"], params["num_carry"]
    consts, carry, rows = values[:fixed], values[fixed : fixed + carried], values[fixed + carried :]
    order = range(params["length"])
    kept = {}
    for step in reversed(order) if params["reverse"] else order:
        found = _written(graph, params["jaxpr"], [*consts, *carry, *(graph.row(each, step) for each in rows)])
        carry, kept[step] = found[:carried], found[carried:]
    return [*carry, *(graph.stacked([kept[step][i] for step in order]) for i in range(len(kept[0])))]
