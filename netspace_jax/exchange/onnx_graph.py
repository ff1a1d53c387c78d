"""A graph of ONNX while it is being written: nodes, constants, names."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from netspace_jax.errors import InputError
from netspace_jax.exchange.jaxprs import Value

OPSET = 18
INPUTS = Value("inputs")

Operand = Any
"""A `Value` of the graph, or an array where it is constant."""


class Graph:
    """Nodes and constants of a graph that is being written."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, *operands: Operand, names: Sequence[str] = (), **attributes: Any) -> Any:
        """Add an operator; its result, or a list of its results where several are named."""
        from onnx import helper

        names = names or [f"{operator.lower()}_{len(self.nodes)}"]
        self.nodes.append(helper.make_node(operator, [self._name(one) for one in operands], names, **attributes))
        return Value(names[0]) if len(names) == 1 else [Value(name) for name in names]

    def _name(self, operand: Operand) -> str:
        """Name of an operand; a constant becomes one of the graph's, whole numbers and lists of them as int64."""
        from onnx import numpy_helper

        if isinstance(operand, Value):
            return operand.name
        name = f"constant_{len(self.constants)}"
        array = operand if isinstance(operand, np.ndarray | np.generic) else np.array(operand, np.int64)
        self.constants.append(numpy_helper.from_array(np.asarray(array, order="C"), name))
        return name

    def sizes(self, shape: Sequence[Any]) -> Operand:
        """A shape as an operand; the batch's size is read off the inputs."""
        if all(isinstance(size, int) for size in shape):
            return list(shape)
        if any(not isinstance(size, int) and str(size) != "batch" for size in shape):
            raise unsupported(f"it makes an axis of a size computed from the batch's, in {shape}")
        batch = self.add("Shape", INPUTS, start=0, end=1)
        return self.add("Concat", *([size] if isinstance(size, int) else batch for size in shape), axis=0)

    def transposed(self, operand: Operand, axes: Sequence[int]) -> Operand:
        """An operand with its axes in another order."""
        if list(axes) == sorted(axes):
            return operand
        return self.add("Transpose", operand, perm=axes) if isinstance(operand, Value) else operand.transpose(axes)


def unsupported(reason: str) -> InputError:
    """The refusal of a network for one reason."""
    return InputError(f"no ONNX for this network: {reason}")
