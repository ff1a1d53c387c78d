"""VanillaCNN: 3×3 convolutions and one linear layer (the paper's second architecture, arXiv 2206.05194)."""

import flax.linen as nn
from jaxtyping import Array, Float

from netspace_jax.architectures.layers import Conv, Linear, flatten_maps, leaky_relu, to_maps


class VanillaCNN(nn.Module):
    """3×3 convolutions with padding 1, a leaky ReLU after each, then one linear layer on the flattened map.

    `convs` lists (channels, stride) of each convolution.
    """

    convs: tuple[tuple[int, int], ...]
    outputs: int

    @nn.compact
    def __call__(self, x: Float[Array, "batch h w c"]) -> Float[Array, "batch outputs"]:
        x = to_maps(x)
        for channels, stride in self.convs:
            x = leaky_relu(Conv(channels, (3, 3), (stride, stride), (1, 1))(x))
        return Linear(self.outputs)(flatten_maps(x))


def vanilla_cnn(input_shape: tuple[int, ...], outputs: int) -> VanillaCNN:
    """The variant for an image size: the paper's for 32 and 64 pixels, a narrow one for images such as digits.

    68,818 parameters on CIFAR-10, 112,856 on Tiny-ImageNet, 3,650 on 8×8 grey digits.
    """
    size = min(input_shape[:2])
    if size >= 48:
        return VanillaCNN(((8, 2), (16, 2), (32, 2), (64, 2), (64, 2)), outputs)
    if size >= 24:
        return VanillaCNN(((8, 2), (8, 1), (32, 2), (64, 1), (64, 2)), outputs)
    return VanillaCNN(((8, 2), (8, 1), (8, 1), (8, 1), (16, 2)), outputs)
