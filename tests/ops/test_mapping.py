"""A function of one network for many: in blocks of one size, in pieces of its inputs, over devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.ops.devices import network_mesh
from netspace_jax.ops.mapping import BLOCK, FEW, block_size, each_network, few_together, in_blocks, in_pieces, of_first
from netspace_jax.ops.platform import lowering
from tests import tiny

COUNTS = [1, BLOCK, BLOCK + 5]  # fewer than are run at once, as many, and more


@pytest.mark.parametrize("count", COUNTS)
def test_blocks_keep_order_and_number(count):
    rows = (np.arange(count), np.arange(2 * count).reshape(count, 2))
    seen = []

    def function(own, block, factor):
        seen.append(int(own))
        assert all(len(leaf) == (1 if count == 1 else BLOCK) for leaf in block)
        return {"a": factor * jnp.asarray(block[0]), "b": jnp.asarray(block[1])}

    found = in_blocks(function, rows, 3)
    np.testing.assert_array_equal(found["a"], 3 * rows[0])
    np.testing.assert_array_equal(found["b"], rows[1])
    assert sum(seen) == count and all(own == BLOCK for own in seen[:-1])


def test_many_small_networks_come_in_larger_blocks_of_bounded_memory():
    assert block_size(500, 4) == BLOCK and block_size(60_000, 4740) == 1024
    assert block_size(60_000, 2**20) == BLOCK and block_size(60_000, 10_000) == 512
    rows, sizes = np.arange(5000), []

    def function(own, block):
        sizes.append(len(block))
        return block + 1

    np.testing.assert_array_equal(in_blocks(function, rows), rows + 1)
    assert {*sizes} == {block_size(5000, 8)} and len(sizes) >= 16


def test_no_networks_are_said_to_be_none():
    with pytest.raises(ValueError, match="no networks"):
        in_blocks(lambda count, rows: rows, np.zeros((0, 3)))


def test_networks_that_do_not_count_are_not_run_on_a_core():
    rows = jnp.arange(BLOCK, dtype=jnp.float32)
    found = np.asarray(jax.jit(lambda count: of_first(count, lambda x: x + 1, rows))(3))
    np.testing.assert_array_equal(found[:3], [1, 2, 3])
    if jax.default_backend() == "cpu":
        np.testing.assert_array_equal(found[3:], 0)


@pytest.mark.parametrize("size", [8, 12, 22, 23])
def test_a_network_on_many_inputs_is_the_same_in_pieces(size):
    flat = tiny.flats(1)[0]
    inputs = jax.random.normal(jax.random.key(0), (23, *tiny.SHAPE))

    def on(size):
        return jax.jit(lambda x: in_pieces(lambda piece: tiny.perceptron().apply(flat, piece), x, size))(inputs)

    np.testing.assert_allclose(on(size), on(512), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("devices", [1, 4])
def test_devices_take_their_own_share_and_what_is_shared(devices):
    rows, factors = jnp.arange(16.0).reshape(8, 2), jnp.arange(8.0)
    mapped = jax.jit(each_network(lambda row, factor, shift: factor * row + shift, network_mesh(devices), 1))
    expected = factors[:, None] * rows + jnp.array([[3.0, 4.0]])
    np.testing.assert_allclose(mapped(rows, factors, jnp.array([3.0, 4.0])), expected)


@pytest.mark.parametrize("count", [1, FEW, FEW + 5, 3 * FEW])
@pytest.mark.parametrize("chosen", ["cpu", "accelerator"])
def test_few_networks_together_are_what_all_together_are(count, chosen):
    """As part of a larger function that takes all networks at once, jitted, and differentiated around it."""
    rows, shared = jnp.arange(4.0 * count).reshape(count, 4), jnp.array([1.0, 2.0])

    def part(own, both):
        return {"sum": own.sum() * both, "own": jnp.sin(own)}

    def whole(weight, made):
        found = jax.vmap(lambda row: made(row, shared))(rows)
        return (weight * found["sum"]).sum() + weight**2 * found["own"].sum()

    with lowering(chosen):
        value, slope = jax.jit(jax.value_and_grad(lambda weight: whole(weight, few_together(part))))(3.0)
    expected, expected_slope = jax.value_and_grad(lambda weight: whole(weight, part))(3.0)
    np.testing.assert_allclose([value, slope], [expected, expected_slope], rtol=1e-5)
