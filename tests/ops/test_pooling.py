import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.ops.pooling import can_pool, max_pool, sum_pool

CASES = [
    ((2, 2), (2, 2), "VALID", (3, 8, 6, 2)),
    ((2, 2), (2, 2), "VALID", (3, 9, 7, 2)),  # a row and a column that no window reaches
    ((3, 3), (2, 2), "SAME", (2, 8, 7, 3)),
    ((3, 2), (1, 3), ((1, 0), (0, 1)), (2, 6, 9, 1)),
]


@pytest.mark.parametrize(("window", "strides", "padding", "shape"), CASES)
def test_pools_and_their_gradients_are_those_of_flax(window, strides, padding, shape):
    x = jnp.round(2 * jax.random.normal(jax.random.key(0), shape)) / 2  # many values are equal: the first one counts
    edges = padding
    if isinstance(padding, str):
        edges = jax.lax.padtype_to_pads(shape[1:3], window, strides, padding)
    ours = ((1, *window, 1), (1, *strides, 1), ((0, 0), *map(tuple, edges), (0, 0)))
    pools = [
        (lambda x: nn.max_pool(x, window, strides, padding), lambda x: max_pool(x, *ours)),
        (
            lambda x: nn.avg_pool(x, window, strides, padding) * float(np.prod(window)),
            lambda x: sum_pool(x, *ours),
        ),
    ]
    for theirs, mine in pools:
        (expected, pull), (found, own_pull) = jax.vjp(theirs, x), jax.vjp(mine, x)
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
        weights = jax.random.normal(jax.random.key(1), expected.shape)
        np.testing.assert_allclose(own_pull(weights)[0], pull(weights)[0], rtol=1e-6, atol=1e-6)


def test_a_network_that_diverged_stays_so():
    x = jnp.zeros((1, 4, 4, 1)).at[0, 1, 1, 0].set(jnp.nan)
    window = ((1, 2, 2, 1), (1, 2, 2, 1), ((0, 0),) * 4)
    assert jnp.isnan(max_pool(x, *window)).sum() == 1
    assert jnp.isnan(jax.vjp(lambda x: max_pool(x, *window), x)[0]).sum() == 1


def test_huge_windows_are_left_alone():
    assert can_pool((1, 8, 8, 1)) and not can_pool((1, 9, 9, 1)) and not can_pool((1, 1))
