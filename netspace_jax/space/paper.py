"""The paper's convolutional encoder, decoder and architecture head (arXiv 2206.05194; docs/method.md, eq. 3)."""

import functools

import flax.linen as nn
import jax
from jaxtyping import Array, Float, Int

from netspace_jax.architectures.layers import Conv, Linear, flatten_maps, leaky_relu
from netspace_jax.ops.convolution import shared_conv2d
from netspace_jax.space.observation import Observation

EMBEDDING = 4096

# One autoencoder for all networks.
_Conv = functools.partial(Conv, convolve=shared_conv2d)


class ConvEncoder(nn.Module):
    """PRep to embedding: convolutions along the width, its maximum, convolutions along the height, its maximum.

    6,788,352 parameters for an embedding of 4096, whatever the PRep's size; the description is not looked at.
    """

    embedding: int

    @nn.compact
    def __call__(self, seen: Observation) -> Float[Array, "embedding"]:
        channels = self.embedding // 32
        x = seen.prep[:, None, :, None]
        for features in (channels, 2 * channels):
            x = leaky_relu(_Conv(features, (1, 3), (1, 2), (0, 1))(x))
        x = x.max(2, keepdims=True)
        for features in (4 * channels, 32 * channels):
            x = leaky_relu(_Conv(features, (3, 1), (1, 1), (1, 0))(x))
        return x.max((0, 2))[:, 0]


class ConvDecoder(nn.Module):
    """Embedding, read as a 1×64×64 image, to PRep by convolutions between which the buffer is re-read.

    Re-reading keeps the channel-first order of values of the paper's implementation. The output is scaled and shifted
    by a learned value for each element, initialised from N(0,1)·1e-3 and U(0,1)·1e-2.
    """

    prep: tuple[int, int]

    @nn.compact
    def __call__(
        self,
        z: Float[Array, "embedding"],
        scale: Float[Array, "h w"],
        shift: Float[Array, "h w"],
        architecture: int | Int[Array, ""],
    ) -> Float[Array, "h w"]:
        del scale, shift, architecture
        height, width = self.prep
        x = z.reshape(64, 1, 64, 1)
        x = leaky_relu(_Conv(256 * height, (3, 3), (2, 2), (1, 1))(x))
        x = leaky_relu(_Conv(width // 8, (3, 3), (2, 2), (1, 1))(_reread(x, 128, height, 2048)))
        x = leaky_relu(_Conv(256, (3, 3), (2, 2), (1, 1))(_reread(x, 512, height // 2, width // 4)))
        x = _Conv(32, (3, 3), (1, 1), (1, 1))(x)
        learned_scale = self.param("scale", nn.initializers.normal(1e-3), self.prep)
        learned_shift = self.param("shift", lambda key, shape: 1e-2 * jax.random.uniform(key, shape), self.prep)
        return _reread(x, 1, height, width)[:, 0, :, 0] * learned_scale + learned_shift


def _reread(x: Float[Array, "h c w 1"], channels: int, height: int, width: int) -> Float[Array, "h2 c2 w2 1"]:
    """The same buffer, in channel-first order, as another shape."""
    return x.swapaxes(0, 1).reshape(channels, height, width, 1).swapaxes(0, 1)


class ConvHead(nn.Module):
    """Embedding, read as a 1×64×64 image, to one logit for each architecture."""

    architectures: int

    @nn.compact
    def __call__(self, z: Float[Array, "embedding"]) -> Float[Array, "architectures"]:
        x = leaky_relu(_Conv(10, (3, 3), (2, 2), (1, 1))(z.reshape(64, 1, 64, 1)))
        return Linear(self.architectures)(flatten_maps(x))[0]
