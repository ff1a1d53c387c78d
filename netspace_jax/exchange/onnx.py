"""One network as an ONNX graph of its inputs alone, for any batch size.

The network is traced by JAX, and each primitive becomes an operator of ONNX (`netspace_jax.exchange.onnx_operators`):
so a user's own module comes along, as long as its primitives have operators there. What depends on parameters alone,
as a kernel brought to ONNX's layout, is computed here and stored as a constant.

jax2onnx would do the same. Tried in its releases 0.13.0 and 0.17.1, on JAX 0.10.2 (Python 3.11) and 0.12.0 (3.12), with
all architectures here and six plain Flax modules, it does not yet:
- From 0.13.1 on it asks for orbax-checkpoint below 0.11.37; this library needs 0.12.8.
- `nn.max_pool(x, (2, 2), (2, 2))` raises a TypeError in all of them, since what they put in its place takes keywords
  alone. Given the traced function instead, they write a MaxPool over four axes, "Unsupported pooling size" to
  onnxruntime.
- Convolutions laid out (height, channels, width, batch) raise "Unsupported conv layouts": all architectures here but
  SIRENs, whose outputs agree.
- On JAX 0.12 a traced function that calls a jitted one, as `nn.relu`, raises an AttributeError in both: `jax._src.core`
  has no ClosedJaxpr.
"""

import importlib.util
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from netspace_jax.architectures import Architecture
from netspace_jax.errors import InputError
from netspace_jax.exchange.jaxprs import walk
from netspace_jax.exchange.onnx_graph import INPUTS, OPSET, Graph
from netspace_jax.exchange.onnx_operators import can_fold, write
from netspace_jax.exchange.stablehlo import for_any_batch

EXTRA = "pip install onnx"


def to_onnx(architecture: Architecture, flat: Float[Array, "size"] | Float[np.ndarray, "size"]) -> bytes:
    """The function from inputs [batch, *input_shape] to outputs as an ONNX model, its parameters within it.

    Raises:
      InputError: onnx is not installed, or the network holds a primitive that has no operator here; it is named.
      ValueError: the vector is not a network of this architecture.
    """
    if importlib.util.find_spec("onnx") is None:
        raise InputError(f"ONNX needs onnx: {EXTRA}")
    import onnx
    from onnx import helper

    def declared(name: str, shape: tuple[int, ...], dtype: Any) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["batch", *shape])

    apply, inputs = for_any_batch(architecture, flat)
    closed = jax.make_jaxpr(apply)(inputs)
    graph = Graph()
    (outputs,) = walk(closed, [INPUTS], can_fold, lambda equation, operands: write(graph, equation, operands))
    graph.add("Identity", outputs, names=["outputs"])
    (result,) = closed.out_avals
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            architecture.name,
            [declared(INPUTS.name, architecture.input_shape, architecture.input_dtype)],
            [declared("outputs", result.shape[1:], result.dtype)],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="netspace_jax",
        ir_version=9,  # what runtimes of 2024 read
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()
