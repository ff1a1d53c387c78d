"""SmallCNN: three convolutions of 3×3, each with a pooling, and one linear layer."""

from netspace_jax.architectures.chain import CHANNELS_FIRST, FLATTEN, MAX_POOL, RELU, Chain, Convolution, Dense
from netspace_jax.errors import InputError

_SMALLEST = 8  # rows and columns of which three poolings leave one


def small_cnn(input_shape: tuple[int, ...], outputs: int) -> Chain:
    """One list of layers for images of any size: 10,106 parameters on photographs of 16×16, 12,986 on CIFAR-10.

    Raises:
      InputError: the images are too small.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < _SMALLEST:
        raise InputError(
            f"smallcnn takes images of at least {_SMALLEST}×{_SMALLEST} pixels, not inputs of shape {input_shape}"
        )
    # The ReLU of maxima is the maximum of ReLUs, at a quarter of the work.
    convolutions = [
        (Convolution(f"conv{number}", features, 3, 1, 1), MAX_POOL, RELU)
        for number, features in enumerate((16, 24, 24), 1)
    ]
    return Chain((CHANNELS_FIRST, *(layer for group in convolutions for layer in group), FLATTEN, Dense("fc", outputs)))
