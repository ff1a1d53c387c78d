"""SIREN: sine networks that hold a field.

Sitzmann et al., Implicit Neural Representations with Periodic Activation Functions, 2020 (arXiv 2006.09661).
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from netspace_jax.architectures.layers import Linear
from netspace_jax.errors import InputError
from netspace_jax.ops.sine import sine

FREQUENCY = 30.0


def _uniform(bound: float) -> nn.initializers.Initializer:
    return lambda key, shape, dtype=jnp.float32: jax.random.uniform(key, shape, dtype, -bound, bound)


class Siren(nn.Module):
    """Linear layers with sin(ω·x) after every one but the last: with ω = 30 the paper's network of one shape.

    Weights are initialised U(±1/fan_in) in the first layer and U(±√(6/fan_in)/ω) in the others, biases U(±1/√fan_in).
    """

    hidden: tuple[int, ...] = (256, 256)
    outputs: int = 1
    frequency: float = FREQUENCY

    @nn.compact
    def __call__(self, x: Float[Array, "*batch coordinates"]) -> Float[Array, "*batch outputs"]:
        bound = 1.0 / x.shape[-1]
        for width in self.hidden:
            x = sine(self.frequency * Linear(width, kernel_init=_uniform(bound))(x))
            bound = math.sqrt(6.0 / width) / self.frequency
        return Linear(self.outputs, kernel_init=_uniform(bound))(x)


def siren(input_shape: tuple[int, ...], outputs: int, width: int = 256, frequency: float = FREQUENCY) -> Siren:
    """SIREN with two hidden layers of `width` units: 67,073 parameters from 3 coordinates to 1 value at width 256.

    A small one wants a lower frequency: between the points that it is trained on it ripples less.

    Raises:
      InputError: the input is not one axis of coordinates.
    """
    return _on_points(input_shape, Siren((width, width), outputs, frequency))


def siren_of_sizes(input_shape: tuple[int, ...], outputs: int, widths: str, frequency: str) -> Siren:
    """SIREN whose name says its sizes: `siren-32-32-w30` has two hidden layers of 32 units, and ω = 30.

    Args:
      widths: units of each hidden layer, each number after a `-`.
      frequency: ω.

    Raises:
      InputError: the input is not one axis of coordinates.
    """
    hidden = tuple(int(width) for width in widths.split("-")[1:])
    return _on_points(input_shape, Siren(hidden, outputs, float(frequency)))


def _on_points(input_shape: tuple[int, ...], network: Siren) -> Siren:
    if len(input_shape) != 1:
        raise InputError(f"a SIREN takes points, so its input shape has one axis, as (3,), not {input_shape}")
    return network
