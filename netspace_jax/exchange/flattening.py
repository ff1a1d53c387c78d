"""In which order a module flattens its maps: PyTorch puts channels first, a plain Flax module puts them last.

The order is found by running the module: every convolution is made to answer with the numbers of its channels, and what
then arrives at a linear layer shows how it was flattened.
"""

import functools
from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.errors import InputError

_KEPT = (nn.BatchNorm, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.Dropout)


class Flattened(NamedTuple):
    """Inputs of a linear layer that are flattened maps, channels last: positions × channels."""

    positions: int
    channels: int

    def from_torch(self, weight: Float[np.ndarray, "out in"]) -> Float[np.ndarray, "out in"]:
        """PyTorch's weight, whose columns have channels first, as the module reads it."""
        return _reordered(weight, self.channels, self.positions)

    def to_torch(self, weight: Float[np.ndarray, "out in"]) -> Float[np.ndarray, "out in"]:
        """The module's weight, in PyTorch's layout but for its columns, as PyTorch reads it."""
        return _reordered(weight, self.positions, self.channels)


def _reordered(weight: np.ndarray, first: int, second: int) -> np.ndarray:
    return weight.reshape(len(weight), first, second).swapaxes(1, 2).reshape(weight.shape)


@functools.lru_cache(maxsize=16)
def flattened_channels_last(architecture: Architecture) -> dict[tuple[str, ...], Flattened]:
    """The kernels, by path, that read maps of several places and channels flattened with channels last.

    Built of the layers of `netspace_jax.architectures.layers`, a module has none: they flatten as PyTorch does.

    Raises:
      InputError: maps are flattened in an order that is neither PyTorch's nor Flax's.
    """
    flattened: dict[tuple[str, ...], Flattened] = {}
    if not architecture.slow:  # no convolution of Flax's own: maps are flattened as PyTorch does
        return flattened
    channels = 0

    def answer(next_call: Any, args: tuple[Any, ...], kwargs: dict[str, Any], context: nn.module.InterceptorContext):
        nonlocal channels
        if context.method_name != "__call__":
            return next_call(*args, **kwargs)
        if isinstance(context.module, _KEPT):
            return args[0]
        if isinstance(context.module, nn.Dense) and args[0].ndim == 2 and channels > 1:
            order = _order(np.asarray(args[0][0]), channels, "/".join(context.module.path))
            if order is not None:
                flattened[(*context.module.path, "kernel")] = order
        outputs = next_call(*args, **kwargs)
        if isinstance(context.module, nn.Conv | nn.ConvTranspose):
            channels = outputs.shape[-1]
            outputs = jnp.broadcast_to(1 + jnp.arange(channels) / channels, outputs.shape)
        return outputs

    variables = architecture.variables(unflatten(architecture.spec, jnp.zeros(architecture.size)))
    with nn.intercept_methods(answer):
        architecture.module.apply(variables, jnp.zeros((1, *architecture.input_shape), architecture.input_dtype))
    return flattened


def _order(inputs: Float[np.ndarray, "in"], channels: int, layer: str) -> Flattened | None:
    """How the inputs of a linear layer were flattened, where they are maps and channels are last."""
    if np.ptp(inputs) == 0 or inputs.size == channels:
        return None  # no maps, or of one place
    if inputs.size % channels == 0:
        positions = inputs.size // channels
        if not np.ptp(inputs.reshape(positions, channels), 0).any():
            return Flattened(positions, channels)
        if not np.ptp(inputs.reshape(channels, positions), 1).any():
            return None
    raise InputError(
        f"cannot tell in which order maps are flattened before {layer or 'the linear layer'}, so neither which weight "
        f"of PyTorch belongs where: give the parameters as Flax has them"
    )
