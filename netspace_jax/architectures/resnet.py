"""ResNets of depth 6n+2 (He et al. 2016), three of which the paper uses, and the folding of their batch norms.

The paper (arXiv 2206.05194) trains ResNet8 and ResNet32, and a ResNet56 as the teacher.
"""

import flax.linen as nn
import jax
from jaxtyping import Array, Float, PyTree

from netspace_jax.architectures.chain import (
    AVERAGE_POOL,
    CHANNELS_FIRST,
    FLATTEN,
    LEAKY_RELU,
    Convolution,
    Dense,
    Layer,
    LayerList,
    Residual,
)
from netspace_jax.architectures.layers import (
    BATCH_NORM_EPSILON,
    BatchNorm,
    Conv,
    Linear,
    average_pool_8x8,
    flatten_maps,
    leaky_relu,
    to_maps,
)


class ConvNorm(nn.Module):
    """Convolution and batch norm while training; with `folded`, the one convolution with a bias that equals both."""

    features: int
    kernel: int
    stride: int
    folded: bool

    @nn.compact
    def __call__(self, x: Float[Array, "h c w batch"], train: bool) -> Float[Array, "h2 out w2 batch"]:
        x = Conv(
            self.features,
            (self.kernel, self.kernel),
            (self.stride, self.stride),
            (self.kernel // 2, self.kernel // 2),
            use_bias=self.folded,
            kernel_init=nn.initializers.variance_scaling(2.0, "fan_out", "normal"),
            name="conv",
        )(x)
        if self.folded:
            return x
        return BatchNorm(name="norm")(x, train)


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut, projected by a 1×1 convolution where the shape changes."""

    features: int
    stride: int
    folded: bool

    @nn.compact
    def __call__(self, x: Float[Array, "h c w batch"], train: bool) -> Float[Array, "h2 out w2 batch"]:
        y = leaky_relu(ConvNorm(self.features, 3, self.stride, self.folded, name="conv1")(x, train))
        y = ConvNorm(self.features, 3, 1, self.folded, name="conv2")(y, train)
        if x.shape != y.shape:
            x = ConvNorm(self.features, 1, self.stride, self.folded, name="projection")(x, train)
        return leaky_relu(x + y)


class ResNet(nn.Module):
    """Stem, three stages of `blocks` basic blocks, average pooling over 8×8 (or what there is), a linear layer.

    With `folded` it holds no batch norm: this is the form that enters a zoo and that NetSpace generates.
    """

    blocks: int
    widths: tuple[int, int, int]
    outputs: int
    folded: bool = True

    @nn.compact
    def __call__(self, x: Float[Array, "batch h w c"], train: bool = False) -> Float[Array, "batch outputs"]:
        x = leaky_relu(ConvNorm(self.widths[0], 3, 1, self.folded, name="stem")(to_maps(x), train))
        for stage, width in enumerate(self.widths):
            for block in range(self.blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                x = BasicBlock(width, stride, self.folded, name=f"stage{stage + 1}_block{block + 1}")(x, train)
        return Linear(self.outputs)(flatten_maps(average_pool_8x8(x)))

    @property
    def layer_list(self) -> LayerList:
        """The folded form's layers, under the names of the paper's code."""
        layers: list[Layer] = [CHANNELS_FIRST, Convolution("conv1", self.widths[0], 3, 1, 1, "bn1"), LEAKY_RELU]
        for stage, width in enumerate(self.widths, 1):
            for block in range(self.blocks):
                name, stride = f"layer{stage}.{block}", 2 if stage > 1 and block == 0 else 1
                shortcut = Convolution(f"{name}.downsample.0", width, 1, stride, 0, f"{name}.downsample.1")
                body = (
                    Convolution(f"{name}.conv1", width, 3, stride, 1, f"{name}.bn1"),
                    LEAKY_RELU,
                    Convolution(f"{name}.conv2", width, 3, 1, 1, f"{name}.bn2"),
                )
                layers += [Residual(body, (shortcut,) if stride > 1 else ()), LEAKY_RELU]
        return (*layers, AVERAGE_POOL, FLATTEN, Dense("fc", self.outputs))


def fold_batch_norm(variables: PyTree) -> PyTree:
    """Parameters of the folded ResNet that computes what `variables` compute at inference.

    Each convolution w followed by a batch norm (γ, β, μ, σ²) becomes w·γ/√(σ²+ε) with bias β − μ·γ/√(σ²+ε).

    Args:
      variables: `{"params", "batch_stats"}` of a `ResNet(folded=False)`.
    """

    def fold(params, stats):
        if "conv" not in params:
            return {name: fold(child, stats[name]) if name in stats else child for name, child in params.items()}
        scale = params["norm"]["scale"] * jax.lax.rsqrt(stats["norm"]["var"] + BATCH_NORM_EPSILON)
        return {
            "conv": {
                "kernel": params["conv"]["kernel"] * scale[None, None, None, :],
                "bias": params["norm"]["bias"] - stats["norm"]["mean"] * scale,
            }
        }

    return fold(variables["params"], variables["batch_stats"])


def resnet(depth: int, input_shape: tuple[int, ...], outputs: int, folded: bool) -> ResNet:
    """ResNet of depth 6n+2 with 16/32/64 channels, or 4/8/16 for images under 24 pixels.

    Raises:
      ValueError: the depth is not 6n+2.
    """
    if depth < 8 or (depth - 2) % 6:
        raise ValueError(f"a ResNet here has depth 6n+2 (8, 14, 20, …), not {depth}")
    widths = (16, 32, 64) if min(input_shape[:2]) >= 24 else (4, 8, 16)
    return ResNet((depth - 2) // 6, widths, outputs, folded)
