"""SIREN: sine networks that hold a field.

Sitzmann et al., Implicit Neural Representations with Periodic Activation Functions, 2020 (arXiv 2006.09661).
"""

import math

from netspace_jax.architectures.chain import Chain, Dense, Layer, sine_of
from netspace_jax.errors import InputError

FREQUENCY = 30.0


def siren(input_shape: tuple[int, ...], outputs: int, width: int = 256, frequency: float = FREQUENCY) -> Chain:
    """SIREN with two hidden layers of `width` units: 67,073 parameters from 3 coordinates to 1 value at width 256.

    A small one wants a lower frequency: between the points that it is trained on it ripples less.

    Raises:
      InputError: the input is not one axis of coordinates.
    """
    return _sines(input_shape, (width, width), outputs, frequency)


def siren_of_sizes(input_shape: tuple[int, ...], outputs: int, widths: str, frequency: str) -> Chain:
    """SIREN whose name says its sizes: `siren-32-32-w30` has two hidden layers of 32 units, and ω = 30.

    Raises:
      InputError: the input is not one axis of coordinates.
    """
    return _sines(input_shape, tuple(int(width) for width in widths.split("-")[1:]), outputs, float(frequency))


def _sines(input_shape: tuple[int, ...], widths: tuple[int, ...], outputs: int, frequency: float) -> Chain:
    """Linear layers with sin(ω·x) after every one but the last.

    Weights start U(±1/fan_in) in the first layer and U(±√(6/fan_in)/ω) in the others, biases U(±1/√fan_in). PyTorch's
    names are those of the paper's implementation, which counts the sines between the layers.
    """
    if len(input_shape) != 1:
        raise InputError(f"a SIREN takes points, so its input shape has one axis, as (3,), not {input_shape}")
    layers: list[Layer] = []
    bound = 1.0 / input_shape[0]
    for number, width in enumerate(widths):
        layers += [Dense(f"mlp.{2 * number}", width, bound), sine_of(frequency)]
        bound = math.sqrt(6.0 / width) / frequency
    return Chain((*layers, Dense(f"mlp.{2 * len(widths)}", outputs, bound)))
