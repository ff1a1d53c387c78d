"""LeNetLike: a few strided convolutions and three linear layers (the paper's first architecture, arXiv 2206.05194)."""

from netspace_jax.architectures.chain import CHANNELS_FIRST, FLATTEN, LEAKY_RELU, Chain, Convolution, Dense, Layer


def lenetlike(input_shape: tuple[int, ...], outputs: int) -> Chain:
    """The variant for an image size: the paper's for 32 and 64 pixels, a small one for images such as digits.

    62,006 parameters on CIFAR-10, 79,612 on Tiny-ImageNet, 3,718 on 8×8 grey digits.
    """
    size = min(input_shape[:2])
    if size >= 48:
        convolutions, widths = ((4, 5, 2, 2), (8, 5, 2, 0), (16, 5, 2, 0)), (120, 84)
    elif size >= 24:
        convolutions, widths = ((6, 5, 2, 0), (16, 5, 2, 0)), (120, 84)
    else:
        convolutions, widths = ((6, 3, 2, 1), (16, 3, 2, 1)), (32, 16)
    layers: list[Layer] = [CHANNELS_FIRST]
    for number, sizes in enumerate(convolutions, 1):
        layers += [Convolution(f"conv{number}", *sizes), LEAKY_RELU]
    layers.append(FLATTEN)
    for number, width in enumerate(widths, 1):
        layers += [Dense(f"fc{number}", width), LEAKY_RELU]
    return Chain((*layers, Dense("fc3", outputs)))
