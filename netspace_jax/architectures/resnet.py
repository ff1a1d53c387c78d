"""ResNets of depth 6n+2 (He et al. 2016), three of which the paper uses.

The paper (arXiv 2206.05194) trains ResNet8 and ResNet32, and a ResNet56 as the teacher. PyTorch's names are those of
its code.
"""

from netspace_jax.architectures.chain import (
    AVERAGE_POOL,
    CHANNELS_FIRST,
    FLATTEN,
    LEAKY_RELU,
    Chain,
    Convolution,
    Dense,
    Layer,
    Residual,
)


def resnet(depth: int, input_shape: tuple[int, ...], outputs: int) -> Chain:
    """ResNet of depth 6n+2 with 16/32/64 channels, or 4/8/16 for images under 24 pixels.

    Stem, three stages of n blocks, average pooling over 8×8 (or what there is), a linear layer. A block is two 3×3
    convolutions and a shortcut, projected by a 1×1 convolution where the shape changes.

    Raises:
      ValueError: the depth is not 6n+2.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"a ResNet here has depth 6n+2 (8, 14, 20, …), not {depth}")
    widths = (16, 32, 64) if min(input_shape[:2]) >= 24 else (4, 8, 16)
    layers: list[Layer] = [CHANNELS_FIRST, Convolution("conv1", widths[0], 3, 1, 1, "bn1", "stem"), LEAKY_RELU]
    for stage, width in enumerate(widths, 1):
        for number in range((depth - 2) // 6):
            name, stride = f"layer{stage}.{number}", 2 if stage > 1 and number == 0 else 1
            body = (
                Convolution(f"{name}.conv1", width, 3, stride, 1, f"{name}.bn1", "conv1"),
                LEAKY_RELU,
                Convolution(f"{name}.conv2", width, 3, 1, 1, f"{name}.bn2", "conv2"),
            )
            projection = Convolution(f"{name}.downsample.0", width, 1, stride, 0, f"{name}.downsample.1", "projection")
            shortcut = (projection,) if stride > 1 else ()
            layers += [Residual(body, shortcut, f"stage{stage}_block{number + 1}"), LEAKY_RELU]
    return Chain((*layers, AVERAGE_POOL, FLATTEN, Dense("fc", outputs)))
