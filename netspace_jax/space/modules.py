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


# Adam moves all weights of a correction by its learning rate at once, which would throw embeddings far off: the loss
# would double at first. A fifth of that can be followed: agreement on digits 0.897, 0.892 otherwise (one seed).
STEP = 0.2


class Correction(nn.Module):
    """What a decoded network still gets wrong on the probes, to a change of its embedding.

    Iterative amortised inference (Marino et al. 2018, arXiv 1807.09356): it sees the gradient of the imitation loss,
    the residual of the outputs, and the embedding. Its first part is linear in the gradient and starts at zero.
    """

    embedding: int
    hidden: int

    @nn.compact
    def __call__(
        self, gradient: Float[Array, "embedding"], residual: Float[Array, "residuals"], z: Float[Array, "embedding"]
    ) -> Float[Array, "embedding"]:
        size = jnp.sqrt(jnp.square(gradient).mean()) + 1e-8
        direction = gradient / size
        straight = nn.Dense(self.embedding, use_bias=False, kernel_init=nn.initializers.zeros)
        x = jnp.concatenate([direction, jnp.log(size)[None], residual, z])
        x = nn.relu(nn.LayerNorm()(nn.Dense(self.hidden)(x)))
        small = nn.initializers.variance_scaling(0.01, "fan_in", "truncated_normal")
        # Where the gradient has all but vanished, its direction is noise.
        change = straight(direction * jnp.minimum(100 * size, 1.0)) + nn.Dense(self.embedding, kernel_init=small)(x)
        return STEP * change


class ScaledDecoder(nn.Module):
    """Embedding to PRep by a perceptron whose output is scaled, element by element, as the architecture's layers need.

    It is told which architecture it decodes for, so that any embedding can be read as any of them.
    A decoder whose values all have one size yields networks that cannot be trained: the scale decides. Values start
    √½·`initial_scale` away from the center, in units of `scale`. With `skip`, a linear map of the embedding is added.
    """

    prep: tuple[int, int]
    hidden: int
    architectures: int
    initial_scale: float = 1.0
    skip: bool = False

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
        size = self.prep[0] * self.prep[1]
        start = nn.initializers.variance_scaling(self.initial_scale**2, "fan_in", "truncated_normal")
        values = nn.Dense(size, kernel_init=start)(x)
        if self.skip:
            beside = nn.initializers.variance_scaling(0.3 * self.initial_scale**2, "fan_in", "truncated_normal")
            values += nn.Dense(size, use_bias=False, kernel_init=beside)(z)
        return shift + scale * values.reshape(self.prep)


class LinearHead(nn.Module):
    """Embedding to one logit for each architecture."""

    architectures: int

    @nn.compact
    def __call__(self, z: Float[Array, "embedding"]) -> Float[Array, "architectures"]:
        return nn.Dense(self.architectures)(z)
