"""Perceptrons for inputs that are vectors, as the rows of a table."""

from netspace_jax.architectures.chain import RELU, Chain, Dense, Layer
from netspace_jax.errors import InputError


def mlp_of_sizes(input_shape: tuple[int, ...], outputs: int, widths: str) -> Chain:
    """Perceptron whose name says its sizes: `mlp-32-32` has two hidden layers of 32 units, with ReLUs.

    Raises:
      InputError: the input is not one axis of numbers.
    """
    if len(input_shape) != 1:
        raise InputError(f"mlp{widths} takes vectors, so its input shape has one axis, as (7,), not {input_shape}")
    layers: list[Layer] = []
    for number, width in enumerate(widths.split("-")[1:], 1):
        layers += [Dense(f"fc{number}", int(width)), RELU]
    return Chain((*layers, Dense("out", outputs)))
