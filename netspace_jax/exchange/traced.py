"""What writing a traced function in another form needs, whatever the form: what to inline, and what is constant."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend import core

from netspace_jax.ops.sine import fast_sin

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


def literal(atom: core.Literal) -> np.ndarray:
    """The value that stands in an equation."""
    shape: Any = atom.aval
    return np.asarray(atom.val, shape.dtype)


def computed(equation: core.JaxprEqn, values: list[Any]) -> list[Any]:
    """What constants give, by JAX itself."""
    bound = equation.primitive.get_bind_params(equation.params)
    functions, params = bound if isinstance(bound, tuple) else ((), bound)  # functions apart: JAX before 0.10
    found = equation.primitive.bind(*functions, *map(jnp.asarray, values), **params)
    return [constant(each) for each in (found if equation.primitive.multiple_results else [found])]


def constant(value: Any) -> Any:
    """As NumPy's, but random keys, which NumPy lacks: modules split them even where nothing is drawn."""
    return value if jnp.issubdtype(value.dtype, jax.dtypes.prng_key) else np.asarray(value)


def is_static(equation: core.JaxprEqn) -> bool:
    """Whether all sizes of its results are numbers."""
    results = cast(list[Any], equation.outvars)
    return all(isinstance(size, int) for atom in results for size in atom.aval.shape)
