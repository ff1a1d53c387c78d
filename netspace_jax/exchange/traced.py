"""What writing a traced function in another form needs, whatever the form: what to inline, and what is constant."""

from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from netspace_jax.ops.sine import fast_sin
from netspace_jax.ops.transposed import bind

_INLINED = {"jit": "jaxpr", "closed_call": "call_jaxpr", "checkpoint": "jaxpr", "custom_jvp_call": "call_jaxpr",
            "custom_vjp_call": "call_jaxpr"}  # fmt: skip


def is_sine(equation: core.JaxprEqn) -> bool:
    """Whether it is our own sine, which is written as one operation."""
    if equation.primitive.name != "custom_jvp_call":
        return False
    return equation.params["call_jaxpr"].jaxpr.debug_info.func_name == fast_sin.__name__


def inner(equation: core.JaxprEqn) -> core.ClosedJaxpr | None:
    """The function that an equation only calls, if it does."""
    if equation.primitive.name not in _INLINED:
        return None
    found = equation.params[_INLINED[equation.primitive.name]]
    return found if isinstance(found, core.ClosedJaxpr) else core.ClosedJaxpr(found, ())


def written(
    closed: core.ClosedJaxpr, arguments: list[Any], write: Callable[[core.JaxprEqn, list[Any]], list[Any]]
) -> list[Any]:
    """A function's results, where `write` says what becomes of each equation and its operands."""
    jaxpr = closed.jaxpr
    consts = [constant(const) for const in closed.consts]
    known = dict(zip((*jaxpr.constvars, *jaxpr.invars), (*consts, *arguments), strict=True))

    def read(atom: Any):
        if not isinstance(atom, core.Literal):
            return known[atom]
        array: Any = atom.aval
        return np.asarray(atom.val, array.dtype)

    for equation in jaxpr.eqns:
        known.update(zip(equation.outvars, write(equation, [read(atom) for atom in equation.invars]), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def computed(equation: core.JaxprEqn, values: list[Any]) -> list[Any]:
    """What constants give, by JAX itself."""
    return [constant(each) for each in bind(equation, *map(jnp.asarray, values))]


def constant(value: Any) -> Any:
    """As NumPy's, but random keys, which NumPy lacks: modules split them even where nothing is drawn."""
    return value if jnp.issubdtype(value.dtype, jax.dtypes.prng_key) else np.asarray(value)


def is_static(equation: core.JaxprEqn) -> bool:
    """Whether all sizes of its results are numbers."""
    results = cast(list[Any], equation.outvars)
    return all(isinstance(size, int) for atom in results for size in atom.aval.shape)
