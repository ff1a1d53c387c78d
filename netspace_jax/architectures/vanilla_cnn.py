"""VanillaCNN: 3×3 convolutions and one linear layer (the paper's second architecture, arXiv 2206.05194)."""

from netspace_jax.architectures.chain import CHANNELS_FIRST, FLATTEN, LEAKY_RELU, Chain, Convolution, Dense, Layer


def vanilla_cnn(input_shape: tuple[int, ...], outputs: int) -> Chain:
    """The variant for an image size: the paper's for 32 and 64 pixels, a narrow one for images such as digits.

    68,818 parameters on CIFAR-10, 112,856 on Tiny-ImageNet, 3,650 on 8×8 grey digits.
    """
    size = min(input_shape[:2])
    if size >= 48:
        convolutions = (8, 2), (16, 2), (32, 2), (64, 2), (64, 2)
    elif size >= 24:
        convolutions = (8, 2), (8, 1), (32, 2), (64, 1), (64, 2)
    else:
        convolutions = (8, 2), (8, 1), (8, 1), (8, 1), (16, 2)
    layers: list[Layer] = [CHANNELS_FIRST]
    for number, (channels, stride) in enumerate(convolutions):
        layers += [Convolution(f"layers.{number}", channels, 3, stride, 1), LEAKY_RELU]
    return Chain((*layers, FLATTEN, Dense(f"layers.{len(convolutions)}", outputs)))
