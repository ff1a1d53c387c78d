"""A graph of ONNX while it is being written: nodes, constants, names."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from netspace_jax.errors import InputError

Operand = Any
"""A `Value`, or an array where it is constant."""


class Value(NamedTuple):
    """What a graph computes, by its name there."""

    name: str


class Graph:
    """Nodes and constants of a graph that is being written."""

    def __init__(self, inputs: str):
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._inputs, self._counted = inputs, 0

    def _fresh(self, word: str) -> str:
        self._counted += 1
        return f"{word}_{self._counted}"

    def name(self, operand: Operand) -> str:
        """Name of an operand; a constant becomes one of the graph's."""
        if isinstance(operand, Value):
            return operand.name
        from onnx import numpy_helper

        name = self._fresh("constant")
        self.constants.append(numpy_helper.from_array(np.asarray(operand, order="C"), name))
        return name

    def node(self, operator: str, *inputs: str, output: str = "", **attributes) -> Value:
        """Add an operator; its result."""
        from onnx import helper

        output = output or self._fresh(operator.lower())
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return Value(output)

    def integers(self, values: Sequence[int]) -> str:
        """Name of a constant list of integers."""
        return self.name(np.array(values, np.int64))

    def shape(self, sizes: Sequence[Any]) -> str:
        """Name of a shape of which sizes may be the batch's.

        Raises:
          InputError: a size is computed from the batch's.
        """
        if all(isinstance(size, int) for size in sizes):
            return self.integers(sizes)
        for size in sizes:
            if not isinstance(size, int) and str(size) != "batch":
                raise InputError(f"no ONNX for this network: it makes an axis of {size}, which ONNX export cannot")
        batch = self.node("Shape", self._inputs, start=0, end=1).name
        parts = [self.integers([size]) if isinstance(size, int) else batch for size in sizes]
        return self.node("Concat", *parts, axis=0).name

    def transposed(self, operand: Operand, axes: Sequence[int]) -> Operand:
        """An operand with its axes in another order."""
        if list(axes) == sorted(axes):
            return operand
        if isinstance(operand, Value):
            return self.node("Transpose", operand.name, perm=list(axes))
        return operand.transpose(axes)

    def row(self, operand: Operand, number: int) -> Operand:
        """One of the first axis."""
        if not isinstance(operand, Value):
            return operand[number]
        return self.node("Gather", operand.name, self.name(np.array(number, np.int64)), axis=0)

    def stacked(self, operands: Sequence[Operand]) -> Operand:
        """Operands along a new first axis."""
        if not any(isinstance(each, Value) for each in operands):
            return np.stack(operands)
        rows = [self.node("Unsqueeze", self.name(each), self.integers([0])).name for each in operands]
        return self.node("Concat", *rows, axis=0)
