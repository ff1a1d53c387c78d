"""An encoder that sees what a network does, and a decoder that knows how large each layer's values are.

Independently trained networks compute the same with permuted neurons, so raw parameters generalise badly; what a
network answers to probe inputs does not depend on the order of its neurons (ProbeGen, Kahana et al. 2024).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from netspace_jax.space.observation import Observation

class ProbeEncoder(nn.Module):
    """Description of a network's behaviour and sizes of its parameter tensors to an embedding, by a perceptron.

    The same for a network and for its copy with permuted neurons (docs/method.md, eq. 7).
    """

    embedding: int
    hidden: int

    @nn.compact
    def __call__(self, seen: Observation) -> Float[Array, "embedding"]:
        x = jnp.concatenate([seen.description, seen.statistics])
        x = nn.relu(nn.LayerNorm()(nn.Dense(self.hidden)(x)))
        return nn.Dense(self.embedding)(x)


class ScaledDecoder(nn.Module):
    """Embedding to PRep by a perceptron whose output is scaled, element by element, as the architecture's layers need.

    It is told which architecture it decodes for, so that any embedding can be read as any of them.
    A decoder whose values all have one size yields networks that cannot be trained: the scale decides. Values start √½·`initial_scale`
    away from the center, in units of `scale`.
    """

    prep: tuple[int, int]
    hidden: int
    architectures: int
    initial_scale: float = 1.0

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
        start = nn.initializers.variance_scaling(self.initial_scale**2, "fan_in", "truncated_normal")
        return shift + scale * nn.Dense(self.prep[0] * self.prep[1], kernel_init=start)(x).reshape(self.prep)


class LinearHead(nn.Module):
    """Embedding to one logit for each architecture."""

    architectures: int

    @nn.compact
    def __call__(self, z: Float[Array, "embedding"]) -> Float[Array, "architectures"]:
        return nn.Dense(self.architectures)(z)
