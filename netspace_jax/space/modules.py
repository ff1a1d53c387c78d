"""An encoder that sees what a network does, and a decoder that knows how large each layer's values are.

Independently trained networks compute the same with permuted neurons, so raw parameters generalise badly; what a
network answers to probe inputs does not depend on the order of its neurons (ProbeGen, Kahana et al. 2024).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

# Values of a segment, fine enough that architectures of nearly the same size end in different ones; and most segments.
_SEGMENT, _MOST = 32, 1024


class ProbeEncoder(nn.Module):
    """Description of a network's behaviour and statistics of its PRep to an embedding, by a perceptron."""

    embedding: int
    hidden: int

    @nn.compact
    def __call__(self, description: Float[Array, "features"], prep: Float[Array, "h w"]) -> Float[Array, "embedding"]:
        x = jnp.concatenate([description, segment_statistics(prep)])
        x = nn.relu(nn.LayerNorm()(nn.Dense(self.hidden)(x)))
        return nn.Dense(self.embedding)(x)


def segment_statistics(prep: Float[Array, "h w"]) -> Float[Array, "statistics"]:
    """Log deviation of each segment of 32 values of a PRep (of more, where there would be more than 1,024 segments).

    They show the sizes of its layers, and where its padding begins, which tells architectures apart.
    """
    flat = prep.reshape(-1)
    length = max(_SEGMENT, -(-flat.size // _MOST))
    flat = jnp.pad(flat, (0, -flat.size % length)).reshape(-1, length)
    return 0.5 * jnp.log(jnp.square(flat).mean(1) + 1e-6)


class ScaledDecoder(nn.Module):
    """Embedding to PRep by a perceptron whose output is scaled, element by element, as the architecture's layers need.

    It is told which architecture it decodes for, so that any embedding can be read as any of them.
    A decoder whose values all have one size yields networks that cannot be trained: the scale decides. Values start √½·`spread`
    away from the center, in units of `scale`.
    """

    prep: tuple[int, int]
    hidden: int
    architectures: int
    spread: float = 1.0

    @nn.compact
    def __call__(
        self,
        z: Float[Array, "embedding"],
        scale: Float[Array, "h w"],
        shift: Float[Array, "h w"],
        architecture: Int[Array, ""],
    ) -> Float[Array, "h w"]:
        if self.architectures > 1:
            z = jnp.concatenate([z, jax.nn.one_hot(architecture, self.architectures)])
        x = nn.relu(nn.LayerNorm()(nn.Dense(self.hidden)(z)))
        start = nn.initializers.variance_scaling(self.spread**2, "fan_in", "truncated_normal")
        return shift + scale * nn.Dense(self.prep[0] * self.prep[1], kernel_init=start)(x).reshape(self.prep)


class LinearHead(nn.Module):
    """Embedding to one logit for each architecture."""

    architectures: int

    @nn.compact
    def __call__(self, z: Float[Array, "embedding"]) -> Float[Array, "architectures"]:
        return nn.Dense(self.architectures)(z)
