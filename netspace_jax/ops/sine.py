"""A sine that a CPU computes in vectors; accelerators have their own."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from netspace_jax.ops.platform import on_cpu

# Minimax fits on [-π/2, π/2] in powers of x²: sin(x)/x to 3.4e-9 in sin(x), cos(x) to 4.7e-8.
_SIN = (1.0, -0.16666647791862488, 0.008332899771630764, -0.0001980088127311319, 2.5904562335199444e-06)
_COS = (0.9999999403953552, -0.4999990463256836, 0.04166358336806297, -0.0013853691052645445, 2.315363053639885e-05)
# π in three parts: a multiple of the first by an integer below 2^16 is exact in float32.
_PI = (3.140625, 9.67502593994140625e-4, 1.509957990978376432e-7)


def _half_turns(x: Float[Array, "*shape"]) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """`x` less its nearest multiple n·π, and (-1)^n."""
    n = jnp.round(x * (1.0 / math.pi))
    half = 0.5 * n
    return x - n * _PI[0] - n * _PI[1] - n * _PI[2], 1.0 - 4.0 * jnp.abs(half - jnp.round(half))


def _polynomial(coefficients: tuple[float, ...], x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    value = coefficients[-1] * x + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        value = value * x + coefficient
    return value


def sine(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Sine, as suits the machine."""
    return fast_sin(x) if on_cpu() else jnp.sin(x)


@jax.custom_jvp
def fast_sin(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Sine within 1e-6 for |x| ≤ 10,000, by arithmetic that vectorises on CPU, where `jnp.sin` does not.

    A polynomial after reduction to [-π/2, π/2]. Its derivative is the cosine by the same route, as exact, and keeps
    one array for the backward pass.
    """
    r, sign = _half_turns(x)
    return sign * r * _polynomial(_SIN, r * r)


@fast_sin.defjvp
def _fast_sin_jvp(primals, tangents):
    # Under jit the reduction is shared with the sine's.
    r, sign = _half_turns(primals[0])
    return fast_sin(primals[0]), sign * _polynomial(_COS, r * r) * tangents[0]
