"""Clipping of gradients."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree


def clip_by_norm(largest: float) -> optax.GradientTransformation:
    """As `optax.clip_by_global_norm`, its norm by dot products, for which a CPU has vector instructions and threads.

    The sums that optax takes cost a fifth of a step of the preset `digits` there.
    """

    def update(updates: PyTree, state: optax.EmptyState, params: PyTree = None) -> tuple[PyTree, optax.EmptyState]:
        del params
        leaves = [leaf.reshape(-1) for leaf in jax.tree.leaves(updates)]
        norm = jnp.sqrt(sum(jnp.dot(leaf, leaf) for leaf in leaves))
        return jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, largest / (norm + 1e-12)), updates), state

    return optax.GradientTransformation(lambda params: optax.EmptyState(), update)
