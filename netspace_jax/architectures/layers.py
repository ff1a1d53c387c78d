"""Layers that the architectures share, initialised as PyTorch initialises them.

Feature maps are laid out (height, channels, width, batch), as `conv2d` takes them. Modules take images as (batch,
height, width, channels), begin with `to_maps` and end with `flatten_maps`. Kernels keep Flax's layouts, (height, width,
in, out) and (in, out); `netspace_jax.architectures.parameters` turns them into PyTorch's when a network becomes a PRep.
"""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from netspace_jax.ops.convolution import conv2d

LEAKY_SLOPE = 0.01
BATCH_NORM_EPSILON = 1e-5
BATCH_NORM_MOMENTUM = 0.9


def leaky_relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Leaky ReLU of slope 0.01, written as a maximum, which fuses better than a select."""
    return jnp.maximum(x, LEAKY_SLOPE * x)


def torch_uniform(fan_in: int) -> nn.initializers.Initializer:
    """U(-1/√fan_in, 1/√fan_in): PyTorch's default for weights and biases of convolutions and linear layers."""
    bound = 1.0 / math.sqrt(fan_in)
    return lambda key, shape, dtype=jnp.float32: jax.random.uniform(key, shape, dtype, -bound, bound)


def to_maps(images: Float[Array, "batch h w c"]) -> Float[Array, "h c w batch"]:
    """Images as feature maps."""
    return images.transpose(1, 3, 2, 0)


def flatten_maps(x: Float[Array, "h c w batch"]) -> Float[Array, "batch features"]:
    """Flatten feature maps in the order channel, row, column, as PyTorch does."""
    return x.transpose(3, 1, 0, 2).reshape(x.shape[3], -1)


def max_pool_2x2(x: Float[Array, "h c w batch"]) -> Float[Array, "h2 c w2 batch"]:
    """Maxima over 2×2 windows that do not overlap; a last row or column without a partner is dropped, as in PyTorch."""
    for axis in (0, 2):
        even = x.shape[axis] // 2 * 2
        x = jnp.maximum(*(jax.lax.slice_in_dim(x, first, even, 2, axis) for first in (0, 1)))
    return x


def average_pool_8x8(x: Float[Array, "h c w batch"]) -> Float[Array, "h2 c w2 batch"]:
    """Means over windows of 8×8, or of what there is, that do not overlap; what is left of a window is dropped."""
    height, channels, width, batch = x.shape
    window = (min(8, height), min(8, width))
    rows, columns = height // window[0], width // window[1]
    x = x[: rows * window[0], :, : columns * window[1]]
    return x.reshape(rows, window[0], channels, columns, window[1], batch).mean((1, 4))


def _per_channel(values: Float[Array, "c"]) -> Float[Array, "1 c 1 1"]:
    return values[None, :, None, None]


class Conv(nn.Module):
    """Convolution of feature maps.

    `kernel_init` None means PyTorch's default. Without a bias (before a batch norm) only the kernel is learned.
    `convolve` is `shared_conv2d` in a module that is not one of many networks.
    """

    features: int
    kernel_size: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer | None = None
    convolve: Callable[..., Array] = conv2d

    @nn.compact
    def __call__(self, x: Float[Array, "h c w batch"]) -> Float[Array, "h2 out w2 batch"]:
        shape = (*self.kernel_size, x.shape[1], self.features)
        default = torch_uniform(math.prod(shape[:3]))
        kernel = self.param("kernel", self.kernel_init or default, shape)
        y = self.convolve(x, kernel, self.stride, self.padding)
        return y + _per_channel(self.param("bias", default, (self.features,))) if self.use_bias else y


class BatchNorm(nn.Module):
    """Batch norm of feature maps; running statistics as `flax.linen.BatchNorm` keeps them.

    It scales and shifts, once both are known, in one step, so that centred maps are never written to memory (as
    `flax.linen.BatchNorm` does: 5 % of a ResNet's training step on two cores).
    """

    @nn.compact
    def __call__(self, x: Float[Array, "h c w batch"], train: bool) -> Float[Array, "h c w batch"]:
        shape = (x.shape[1],)
        scale = self.param("scale", nn.initializers.ones, shape)
        bias = self.param("bias", nn.initializers.zeros, shape)
        running_mean = self.variable("batch_stats", "mean", jnp.zeros, shape)
        running_var = self.variable("batch_stats", "var", jnp.ones, shape)
        mean, var = running_mean.value, running_var.value
        if train:
            wide = x.astype(jnp.float32)  # statistics of bfloat16 maps are not rounded to it
            mean = wide.mean((0, 2, 3))
            var = jnp.maximum(jnp.square(wide).mean((0, 2, 3)) - jnp.square(mean), 0)
            if not self.is_initializing():
                for running, value in ((running_mean, mean), (running_var, var)):
                    running.value = BATCH_NORM_MOMENTUM * running.value + (1 - BATCH_NORM_MOMENTUM) * value
        factor = scale.astype(var.dtype) * jax.lax.rsqrt(var + BATCH_NORM_EPSILON)
        offset = bias.astype(var.dtype) - mean * factor
        return x * _per_channel(factor.astype(x.dtype)) + _per_channel(offset.astype(x.dtype))


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
        return x if self.folded else BatchNorm(name="norm")(x, train)


def fold_batch_norm(variables: PyTree) -> PyTree:
    """Parameters of the folded form, which computes what `variables` compute at inference.

    The convolution w of each `ConvNorm`, followed by a batch norm (γ, β, μ, σ²), becomes w·γ/√(σ²+ε) with bias
    β − μ·γ/√(σ²+ε).
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


class Linear(nn.Module):
    """Affine map of the last axis, initialised as PyTorch's `nn.Linear`."""

    features: int
    kernel_init: nn.initializers.Initializer | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "*batch c"]) -> Float[Array, "*batch out"]:
        default = torch_uniform(x.shape[-1])
        kernel = self.param("kernel", self.kernel_init or default, (x.shape[-1], self.features))
        y = x @ kernel
        return y + _over_last(self.param("bias", default, (self.features,)), y)


def _over_last(bias: Float[Array, "c"], y: Float[Array, "*batch c"]) -> Float[Array, "*ones c"]:
    return jnp.expand_dims(bias, tuple(range(y.ndim - 1)))
