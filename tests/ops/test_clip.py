"""Clipping by dot products is optax's."""

import chex
import jax.numpy as jnp
import optax
import pytest

from netspace_jax.ops.clip import clip_by_norm


@pytest.mark.parametrize("factor", [0.01, 3.0])
def test_clipping_is_optaxs(factor):
    gradient = {"a": factor * jnp.arange(12.0).reshape(3, 4), "b": -factor * jnp.ones(5)}
    ours, theirs = clip_by_norm(1.0), optax.clip_by_global_norm(1.0)
    found, wanted = ((t.update(gradient, t.init(gradient)))[0] for t in (ours, theirs))
    chex.assert_trees_all_close(found, wanted, rtol=1e-6)
