"""Layers that the architectures share, initialised as PyTorch initialises them.

Kernels keep Flax's layouts, (height, width, in, out) and (in, out); `netspace_jax.prep` turns them into
PyTorch's when a network becomes a PRep.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from netspace_jax.architectures.convolution import conv2d

LEAKY_SLOPE = 0.01


def leaky_relu(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Leaky ReLU of slope 0.01, written as a maximum, which fuses better than a select."""
    return jnp.maximum(x, LEAKY_SLOPE * x)


def torch_uniform(fan_in: int) -> nn.initializers.Initializer:
    """U(-1/sqrt(fan_in), 1/sqrt(fan_in)): PyTorch's default for weights and biases of convolutions and linear layers."""
    bound = 1.0 / math.sqrt(fan_in)
    return lambda key, shape, dtype=jnp.float32: jax.random.uniform(key, shape, dtype, -bound, bound)


class Conv(nn.Module):
    """Convolution over (batch, height, width, channels).

    `kernel_init` None means PyTorch's default. Without a bias (before a batch norm) only the kernel is learned.
    """

    features: int
    kernel_size: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    use_bias: bool = True
    kernel_init: nn.initializers.Initializer | None = None

    @nn.compact
    def __call__(self, x: Float[Array, "batch h w c"]) -> Float[Array, "batch h2 w2 out"]:
        shape = (*self.kernel_size, x.shape[-1], self.features)
        default = torch_uniform(math.prod(shape[:3]))
        kernel = self.param("kernel", self.kernel_init or default, shape)
        y = conv2d(x, kernel, self.stride, self.padding)
        return y + _over_last(self.param("bias", default, (self.features,)), y) if self.use_bias else y


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


def flatten_maps(x: Float[Array, "batch h w c"]) -> Float[Array, "batch features"]:
    """Flatten feature maps in the order channel, row, column, as PyTorch does."""
    return x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
