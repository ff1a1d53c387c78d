"""Encoders that see what a network does, and a decoder that knows how large each layer's values are.

Independently trained networks compute the same with permuted neurons, so raw parameters generalise badly; what a
network answers to probe inputs does not depend on the order of its neurons (ProbeGen, Kahana et al. 2024).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

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


class TaskEncoder(nn.Module):
    """An encoder that looks at pairs alone: it reads a task by its examples as it reads a network by its answers.

    Attributes:
      inputs: on which a network is read where nobody gives any.
    """

    embedding: int
    inputs: int


class SetEncoder(TaskEncoder):
    """A set of pairs of any number to an embedding, whatever their order (docs/method.md, eq. 38).

    Two poolings side by side: the mean over pairs of a perceptron of input and answer (Deep Sets, Zaheer et al. 2017,
    arXiv 1703.06114), which serves tasks that differ in what inputs look like; and for each of a few soft features of
    the input alone the mean answer of the inputs that have it, which serves tasks that differ in what is answered.

    Attributes:
      features: soft features of an input.
      constant: each value of the answer that says nothing.
    """

    hidden: int
    features: int = 32
    constant: float = 0.0

    @nn.compact
    def __call__(self, seen: Observation) -> Float[Array, "embedding"]:
        inputs, answers, weight = seen.pairs
        x = inputs.reshape(len(inputs), -1)
        pair = jnp.concatenate([x, answers], -1)
        for _ in range(2):
            pair = nn.relu(nn.Dense(self.hidden)(pair))
        mean = (pair * weight[:, None]).sum(0) / jnp.maximum(weight.sum(), 1e-6)
        feature = nn.softmax(nn.Dense(self.features)(nn.relu(nn.Dense(self.hidden // 2)(x)))) * weight[:, None]
        answered = jnp.einsum("nf,na->fa", feature, answers - self.constant) / (feature.sum(0)[:, None] + 0.05)
        answered = answered.reshape(-1)
        top = nn.relu(nn.Dense(self.hidden)(jnp.concatenate([mean, answered])))
        return nn.Dense(self.embedding)(top) + nn.Dense(self.embedding)(answered)


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


class LowRankChange(nn.Module):
    """Coefficients to a change of every parameter tensor, one of low rank for each matrix (docs/method.md, eq. 36).

    What the tensors have in common, the two factors on the outside, is learned; what is a network's own, the small
    matrix between them, is part of its embedding. So the embedding reaches further into the weights of large networks
    than a dense layer of any bearable size could.

    Attributes:
      rows, columns: of each tensor, as the matrix of its units' weights; one column for a vector.
      rank: highest rank of a change.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    rank: int

    @nn.compact
    def __call__(self, coefficients: Float[Array, "coefficients"]) -> Float[Array, "size"]:
        changes, start = [], 0
        for number, (rows, columns) in enumerate(zip(self.rows, self.columns, strict=True)):
            left, right = min(rows, self.rank), min(columns, self.rank)
            between = coefficients[start : start + left * right].reshape(left, right)
            start += left * right
            orthonormal = nn.initializers.orthogonal()
            out = self.param(f"left_{number}", orthonormal, (rows, left))
            into = self.param(f"right_{number}", orthonormal, (columns, right))
            unit = jnp.sqrt(rows * columns / (left * right))  # so that coefficients of 1 make changes of 1
            changes.append(unit * (out @ between @ into.T).reshape(-1))
        return jnp.concatenate(changes)


def max_coefficients(rows: tuple[tuple[int, ...], ...], columns: tuple[tuple[int, ...], ...], rank: int) -> int:
    """Number of coefficients of the architecture that takes most; 0 for no tensors."""
    return max((count_coefficients(*both, rank) for both in zip(rows, columns, strict=True)), default=0)


def count_coefficients(rows: tuple[int, ...], columns: tuple[int, ...], rank: int) -> int:
    """Number of coefficients that `LowRankChange` takes."""
    return sum(min(r, rank) * min(c, rank) for r, c in zip(rows, columns, strict=True))


class ScaledDecoder(nn.Module):
    """Embedding to PRep by a perceptron whose output is scaled, element by element, as the architecture's layers need.

    It is told which architecture it decodes for, so that any embedding can be read as any of them.
    A decoder whose values all have one size yields networks that cannot be trained: the scale decides. Values start
    √½·`initial_scale` away from the center, in units of `scale`. With `skip`, a linear map of the embedding is added.
    With a `rank`, the last values of an embedding are coefficients of a change of every tensor (`LowRankChange`), as
    many as the architecture has.

    Attributes:
      rows, columns: of the tensors of each architecture, as matrices.
    """

    prep: tuple[int, int]
    hidden: int
    architectures: int
    initial_scale: float = 1.0
    skip: bool = False
    rank: int = 0
    rows: tuple[tuple[int, ...], ...] = ()
    columns: tuple[tuple[int, ...], ...] = ()

    @nn.compact
    def __call__(
        self, z: Float[Array, "embedding"], scale: Float[Array, "h w"], shift: Float[Array, "h w"], architecture: int
    ) -> Float[Array, "h w"]:
        coefficients = max_coefficients(self.rows, self.columns, self.rank)
        z, own = z[: len(z) - coefficients], z[len(z) - coefficients :]
        if self.architectures > 1:
            z = jnp.concatenate([z, jax.nn.one_hot(architecture, self.architectures)])
        x = nn.relu(nn.LayerNorm()(nn.Dense(self.hidden)(z)))
        size = self.prep[0] * self.prep[1]
        start = nn.initializers.variance_scaling(self.initial_scale**2, "fan_in", "truncated_normal")
        values = nn.Dense(size, kernel_init=start)(x)
        if self.skip:
            beside = nn.initializers.variance_scaling(0.3 * self.initial_scale**2, "fan_in", "truncated_normal")
            values += nn.Dense(size, use_bias=False, kernel_init=beside)(z)
        if self.rank:
            tensors = zip(self.rows, self.columns, strict=True)
            changes = [LowRankChange(rows, columns, self.rank) for rows, columns in tensors]
            if self.is_initializing():  # those of all architectures have parameters
                for other in changes[:architecture] + changes[architecture + 1 :]:
                    other(own)
            change = changes[architecture](own)
            values += 0.5 * self.initial_scale * jnp.pad(change, (0, size - len(change)))
        return shift + scale * values.reshape(self.prep)

    @nn.nowrap
    def cut(self, params: PyTree, size: int) -> tuple["ScaledDecoder", PyTree]:
        """The decoder of the first `size` values of a PRep alone, as one row, and its parameters."""
        cut = {name: jax.tree.map(lambda leaf: leaf[..., :size], params[name]) for name in ("Dense_1", "Dense_2")
               if name in params}  # fmt: skip
        return self.clone(prep=(1, size)), {**params, **cut}


class LinearHead(nn.Module):
    """Embedding to one logit for each architecture."""

    architectures: int

    @nn.compact
    def __call__(self, z: Float[Array, "embedding"]) -> Float[Array, "architectures"]:
        return nn.Dense(self.architectures)(z)
