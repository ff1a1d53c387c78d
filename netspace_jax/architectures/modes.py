"""A user's module that behaves otherwise while it trains: batch norms, dropout.

Its batch statistics are folded where they are used: a batch norm of scale γ, bias β, mean μ and variance σ² is at
inference a batch norm of scale γ/√(σ²+ε) and bias β − μ·γ/√(σ²+ε), of mean 0 and variance 1 − ε. So the final form is
the same module with the same parameters and fixed statistics, whatever stands before its batch norms.
"""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax.errors import FlaxError, InvalidRngError
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import PyTree

from netspace_jax.architectures.chain import Chain, batch_norms
from netspace_jax.architectures.layers import fold_batch_norm
from netspace_jax.errors import InputError

# Arguments by which modules are told that they train, with the value that says so.
_ARGUMENTS = {
    "train": True,
    "training": True,
    "is_training": True,
    "deterministic": False,
    "use_running_average": False,
}


class Norm(NamedTuple):
    """A batch norm of a module: where its parameters stand, its ε and its number of channels."""

    path: tuple[str, ...]
    epsilon: float
    channels: int


class ModeSwitch(nn.Module):
    """The user's module, which says by its own argument whether it trains; if not, batch norms may be fixed.

    Attributes:
      norms: the batch norms whose statistics are fixed, in the final form.
    """

    module: nn.Module
    argument: str
    norms: tuple[Norm, ...] = ()

    @nn.nowrap
    def init(self, key, x) -> PyTree:
        return self.module.init(key, x, **_mode(self.argument, train=False))

    @nn.nowrap
    def apply(self, variables, x, *, train: bool = False, mutable: Any = False, rngs: Any = None) -> Any:
        if self.norms:
            means = {(*norm.path, "mean"): jnp.zeros(norm.channels) for norm in self.norms}
            variances = {(*norm.path, "var"): jnp.full(norm.channels, 1 - norm.epsilon) for norm in self.norms}
            variables = {**variables, "batch_stats": unflatten_dict(means | variances)}
        return self.module.apply(variables, x, mutable=mutable, rngs=rngs, **_mode(self.argument, train=train))


def _mode(argument: str, *, train: bool) -> dict[str, Any]:
    """The argument that tells a module whether it trains; none for one that is the same in both modes."""
    return {argument: _ARGUMENTS[argument] == train} if argument else {}


class ModePair(NamedTuple):
    """A module in its final form; and where it trains in another, that, and what folds its variables."""

    module: nn.Module
    trainee: nn.Module | None
    fold: Callable[[PyTree], PyTree] | None


def mode_pair(module: Any, input_shape: tuple[int, ...], input_dtype: str = "float32") -> ModePair:
    """How a user's module trains and what its final form is, found by tracing it.

    Raises:
      InputError: it is no Flax module, cannot be called on such inputs, or trains in a way that is not supported here.
    """
    _check(module)
    if isinstance(module, Chain) and batch_norms(module.layer_list):
        return ModePair(module, module.clone(norms=True), fold_batch_norm)
    return _mode_pair(_hashable(module), input_shape, input_dtype)


def _hashable(module: nn.Module) -> nn.Module:
    """The module with tuples where it has lists, as those of `nn.Sequential`: compiled functions are kept by it."""
    fields = {field.name: getattr(module, field.name) for field in dataclasses.fields(module) if field.init}
    lists: dict[str, Any] = {
        name: tuple(value) for name, value in fields.items() if isinstance(value, list) and name != "parent"
    }
    module = module.clone(**lists) if lists else module
    try:
        hash(module)
    except TypeError as error:
        raise InputError(
            f"module {type(module).__name__} cannot be hashed ({error}): give its fields tuples"
        ) from error
    return module


@functools.lru_cache(maxsize=64)
def _mode_pair(module: nn.Module, input_shape: tuple[int, ...], input_dtype: str) -> ModePair:
    name, x = type(module).__name__, jax.ShapeDtypeStruct((2, *input_shape), jnp.dtype(input_dtype))
    argument = _argument(module)
    norms: list[tuple[nn.BatchNorm, Norm]] = []

    def note(call, args, kwargs, context):
        if isinstance(context.module, nn.BatchNorm) and context.method_name == "__call__":
            channels = args[0].shape[context.module.axis] if isinstance(context.module.axis, int) else 0
            norms.append((context.module, Norm(context.module.path, context.module.epsilon, channels)))
        return call(*args, **kwargs)

    def initialise(x):
        with nn.intercept_methods(note):
            return module.init(jax.random.key(0), x, **_mode(argument, train=False))

    variables = trace_module(module, initialise, x)
    state = {kind for kind in variables if kind != "params"}
    if state and not argument:
        raise InputError(
            f"module {name} holds {', '.join(sorted(state))} and its __call__ takes none of {', '.join(_ARGUMENTS)}"
        )
    if state - {"batch_stats"}:
        raise InputError(
            f"module {name} holds {', '.join(sorted(state - {'batch_stats'}))}: of variables that are not parameters, "
            f"only the statistics of flax.linen.BatchNorm are supported here"
        )
    if not argument:
        trace_module(module, module.apply, variables, x)
        return ModePair(module, None, None)
    foldable = _foldable(name, variables, norms)
    trainee, final = ModeSwitch(module, argument), ModeSwitch(module, argument, foldable)

    def train(variables, x):
        return trainee.apply(variables, x, train=True, mutable=[*state], rngs={"dropout": jax.random.key(0)})

    trace_module(module, train, variables, x)
    trace_module(module, final.apply, {"params": variables["params"]}, x)
    return ModePair(final, trainee, functools.partial(fold, foldable))


def _check(module: Any) -> None:
    if isinstance(module, nn.Module):
        return
    kind = type(module)
    remedy = "make one"
    if any(base.__module__.startswith("flax.nnx") for base in kind.__mro__):
        remedy = "make one of it by flax.nnx.bridge.to_linen(TheClass, …)"
    raise InputError(f"{kind.__module__.partition('.')[0]}.{kind.__name__} is not a flax.linen module: {remedy}")


def _argument(module: nn.Module) -> str:
    """The name of the argument by which a module is told that it trains; empty without one."""
    if isinstance(module, Chain):
        return ""
    taken = inspect.signature(type(module).__call__).parameters
    return next((name for name in _ARGUMENTS if name in taken), "")


def trace_module(module: nn.Module, function: Callable[..., PyTree], *arguments: PyTree) -> PyTree:
    """Shapes of what a call of the module gives, its errors in one line."""
    name, shape = type(module).__name__, arguments[-1].shape[1:]
    try:
        return jax.eval_shape(function, *arguments)
    except InvalidRngError as error:
        stream = str(error).partition(" (")[0]
        raise InputError(
            f"module {name}: {stream}: there is a stream `dropout` in training, and none at inference"
        ) from error
    except (FlaxError, TypeError, ValueError, ZeroDivisionError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(f"module {name} cannot be called on inputs of shape {shape}: {reason}") from error


def _foldable(name: str, variables: PyTree, norms: list[tuple[nn.BatchNorm, Norm]]) -> tuple[Norm, ...]:
    """The batch norms of a module, of which each can be folded and no statistics are left over."""
    for layer, norm in norms:
        if not (layer.use_scale and layer.use_bias and norm.channels):
            raise InputError(
                f"{'/'.join(norm.path)} of module {name} has no scale or no bias, into which its statistics could be "
                f"folded: give it use_scale=True, use_bias=True and one axis"
            )
    holders = {path[:-1] for path in flatten_dict(variables.get("batch_stats", {}))}
    for path in sorted(holders - {norm.path for _, norm in norms}):
        raise InputError(f"{'/'.join(path)} of module {name} holds batch statistics and is no flax.linen.BatchNorm")
    return tuple(dict.fromkeys(norm for _, norm in norms))


def fold(norms: tuple[Norm, ...], variables: PyTree) -> PyTree:
    """Parameters of the final form, from the variables of a network that trained."""
    params: dict[Any, Any] = flatten_dict(variables["params"])
    statistics: dict[Any, Any] = flatten_dict(variables.get("batch_stats", {}))
    for norm in norms:
        scale, bias, mean, var = ((*norm.path, name) for name in ("scale", "bias", "mean", "var"))
        params[scale] = params[scale] * jax.lax.rsqrt(statistics[var] + norm.epsilon)
        params[bias] = params[bias] - statistics[mean] * params[scale]
    return unflatten_dict(params)
