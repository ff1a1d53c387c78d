"""LeNetLike: a few strided convolutions and three linear layers (the paper's first architecture, arXiv 2206.05194)."""

import flax.linen as nn
from jaxtyping import Array, Float

from netspace_jax.architectures.layers import Conv, Linear, flatten_maps, leaky_relu, to_maps


class LeNetLike(nn.Module):
    """Strided convolutions, then linear layers; leaky ReLU between all of them.

    `convs` lists (channels, kernel, stride, padding) of each convolution, `hidden` the widths between the
    flattened map and the outputs.
    """

    convs: tuple[tuple[int, int, int, int], ...]
    hidden: tuple[int, ...]
    outputs: int

    @nn.compact
    def __call__(self, x: Float[Array, "batch h w c"]) -> Float[Array, "batch outputs"]:
        x = to_maps(x)
        for channels, kernel, stride, padding in self.convs:
            x = leaky_relu(Conv(channels, (kernel, kernel), (stride, stride), (padding, padding))(x))
        x = flatten_maps(x)
        for width in self.hidden:
            x = leaky_relu(Linear(width)(x))
        return Linear(self.outputs)(x)


def lenetlike(input_shape: tuple[int, ...], outputs: int) -> LeNetLike:
    """The variant for an image size: the paper's for 32 and 64 pixels, a small one for images such as digits.

    62,006 parameters on CIFAR-10, 79,612 on Tiny-ImageNet, 3,718 on 8×8 grey digits.
    """
    size = min(input_shape[:2])
    if size >= 48:
        return LeNetLike(((4, 5, 2, 2), (8, 5, 2, 0), (16, 5, 2, 0)), (120, 84), outputs)
    if size >= 24:
        return LeNetLike(((6, 5, 2, 0), (16, 5, 2, 0)), (120, 84), outputs)
    return LeNetLike(((6, 3, 2, 1), (16, 3, 2, 1)), (32, 16), outputs)
