"""The network of PyTorch's tutorial "Training a Classifier", which its `cifar_net.pth` holds."""

from netspace_jax.architectures.chain import CHANNELS_FIRST, FLATTEN, MAX_POOL, RELU, Chain, Convolution, Dense
from netspace_jax.errors import InputError

_SMALLEST = 16  # rows and columns of which two convolutions and two poolings leave one


def tutorial(input_shape: tuple[int, ...], outputs: int) -> Chain:
    """The tutorial's network for images of any size that two convolutions and poolings leave something of.

    62,006 parameters on CIFAR-10, 44,426 on MNIST. The tutorial gives it inputs (x − 0.5) / 0.5, pixels x from 0 to 1:
    `--zoo.normalise 0.5 0.5`.

    Raises:
      InputError: the images are too small.
    """
    if len(input_shape) != 3 or min(input_shape[:2]) < _SMALLEST:
        raise InputError(
            f"tutorial takes images of at least {_SMALLEST}×{_SMALLEST} pixels, not inputs of shape {input_shape}"
        )
    # The ReLU of maxima is the maximum of ReLUs, at a quarter of the work.
    convolutions = Convolution("conv1", 6, 5), MAX_POOL, RELU, Convolution("conv2", 16, 5), MAX_POOL, RELU
    linear = Dense("fc1", 120), RELU, Dense("fc2", 84), RELU, Dense("fc3", outputs)
    return Chain((CHANNELS_FIRST, *convolutions, FLATTEN, *linear))
