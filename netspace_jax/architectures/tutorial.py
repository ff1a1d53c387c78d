"""The network of PyTorch's tutorial "Training a Classifier", which its `cifar_net.pth` holds."""

import flax.linen as nn
from jaxtyping import Array, Float

from netspace_jax.architectures.layers import Conv, Linear, flatten_maps, max_pool, to_maps
from netspace_jax.errors import InputError

KERNEL = 5
_SMALLEST = 16  # rows and columns of which two convolutions and two poolings leave one


class Tutorial(nn.Module):
    """5×5 convolutions without padding, each with a 2×2 max pool and a ReLU, then linear layers with ReLUs between.

    `channels` lists the outputs of each convolution, `hidden` the widths between the flattened map and the outputs.
    """

    channels: tuple[int, ...]
    hidden: tuple[int, ...]
    outputs: int

    @nn.compact
    def __call__(self, x: Float[Array, "batch h w c"]) -> Float[Array, "batch outputs"]:
        x = to_maps(x)
        for channels in self.channels:
            # The ReLU of maxima is the maximum of ReLUs, at a quarter of the work.
            x = nn.relu(max_pool(Conv(channels, (KERNEL, KERNEL))(x)))
        x = flatten_maps(x)
        for width in self.hidden:
            x = nn.relu(Linear(width)(x))
        return Linear(self.outputs)(x)


def tutorial(input_shape: tuple[int, ...], outputs: int) -> Tutorial:
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
    return Tutorial((6, 16), (120, 84), outputs)
