"""Walk through a function that JAX has traced, to write it down in another form."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from netspace_jax.ops.transposed import bind

_CALLS = {"jit": "jaxpr", "closed_call": "call_jaxpr", "checkpoint": "jaxpr", "custom_jvp_call": "call_jaxpr",
          "custom_vjp_call": "call_jaxpr"}  # fmt: skip


Equation = Any
"""A `jax.extend.core.JaxprEqn`; its operands and results have shapes and types that JAX's annotations do not know."""


class Value(NamedTuple):
    """Something that the written form computes, by its name or number there. All else is constant."""

    name: Any


def walk(
    closed: core.ClosedJaxpr,
    arguments: list[Any],
    fold: Callable[[Equation, list[Any]], bool],
    write: Callable[[Equation, list[Any]], list[Any]],
) -> list[Any]:
    """Write a function's equations, one after another; its results, as `Value` or, where they are constant, as arrays.

    Args:
      arguments: one operand for each of its inputs.
      fold: whether an equation whose operands are all constant is computed here.
      write: writes any other equation with its operands, and gives its results. Equations that only call a function
        are walked through instead.
    """
    jaxpr = closed.jaxpr
    operand_of = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*map(_constant, closed.consts), *arguments), strict=True))

    def read(atom: Any) -> Any:
        return operand_of[atom] if isinstance(atom, core.Var) else np.asarray(atom.val, atom.aval.dtype)

    for equation in jaxpr.eqns:
        operands = [read(atom) for atom in equation.invars]
        if not any(isinstance(operand, Value) for operand in operands) and fold(equation, operands):
            results = [_constant(result) for result in bind(equation, *map(jnp.asarray, operands))]
        elif equation.primitive.name in _CALLS:
            function = equation.params[_CALLS[equation.primitive.name]]
            function = function if isinstance(function, core.ClosedJaxpr) else core.ClosedJaxpr(function, ())
            results = walk(function, operands, fold, write)
        else:
            results = write(equation, operands)
        operand_of.update(zip(equation.outvars, results, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _constant(value: Any) -> Any:
    """As NumPy's, but random keys, which NumPy lacks: modules split them even where nothing is drawn."""
    return value if jnp.issubdtype(value.dtype, jax.dtypes.prng_key) else np.asarray(value)
