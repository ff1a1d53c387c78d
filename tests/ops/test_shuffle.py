"""A permutation by random access: exact for every size, different for every key, without preference."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspace_jax.ops.shuffle import shuffled

jitted = jax.jit(shuffled, static_argnames="count")


def permutation(seed, count):
    return np.asarray(jitted(jax.random.key(seed), jnp.arange(count), count=count))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 64, 65, 1_197, 40_000])
def test_every_position_goes_somewhere_else(count):
    np.testing.assert_array_equal(np.sort(permutation(0, count)), np.arange(count))


def test_many_keys_and_few_elements():
    """All keys at once: every one is a permutation, and together they reach every order of three."""
    keys = jax.random.split(jax.random.key(1), 500)
    orders = np.asarray(jax.jit(jax.vmap(lambda key: shuffled(key, jnp.arange(3), 3)))(keys))
    np.testing.assert_array_equal(np.sort(orders, axis=1), np.tile(np.arange(3), (500, 1)))
    assert len(np.unique(orders, axis=0)) == 6


@settings(max_examples=20)
@given(st.lists(st.integers(0, 99), min_size=8, max_size=8), st.integers(0, 2**32 - 1))
def test_positions_may_be_asked_for_in_any_order(positions, seed):
    expected = permutation(seed, 100)[positions]
    np.testing.assert_array_equal(jitted(jax.random.key(seed), jnp.array(positions), count=100), expected)


def test_different_keys_give_different_orders():
    first, second = permutation(0, 1000), permutation(1, 1000)
    assert (first == second).mean() < 0.02  # 1 of 1,000 on average


@pytest.mark.parametrize("count", [10, 13, 64])
def test_every_place_is_as_likely(count):
    """χ² over where each position goes, for 4,000 keys: within 5 deviations of what uniform permutations give."""
    draws = 4000
    keys = jax.random.split(jax.random.key(2), draws)
    orders = np.asarray(jax.jit(jax.vmap(lambda key: shuffled(key, jnp.arange(count), count)))(keys))
    for position in (0, count // 2, count - 1):
        seen = np.bincount(orders[:, position], minlength=count)
        chi2 = (np.square(seen - draws / count) / (draws / count)).sum()
        assert abs(chi2 - (count - 1)) < 5 * np.sqrt(2 * (count - 1))
    together = np.bincount(orders[:, 0] * count + orders[:, 1], minlength=count * count).reshape(count, count)
    expected = draws / (count * (count - 1))
    chi2 = (np.square(together - expected) / expected).sum() - count * expected  # the diagonal cannot be
    assert abs(chi2 - count * (count - 1)) < 5 * np.sqrt(2 * count * (count - 1))


def test_neighbours_are_torn_apart():
    order = permutation(3, 4096)
    assert abs(np.corrcoef(np.arange(4096), order)[0, 1]) < 0.06
    assert (np.abs(np.diff(order)) == 1).mean() < 0.01


def test_is_traced_once_for_all_positions_and_keys():
    chex.clear_trace_counter()
    traced = jax.jit(chex.assert_max_traces(lambda key, position: shuffled(key, position, 77), n=1))
    for seed in range(4):
        assert traced(jax.random.key(seed), jnp.arange(7) + seed).max() < 77
