"""A function of one network for many: in blocks of one size, in pieces of its inputs, over devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.ops.devices import network_mesh
from netspace_jax.ops.mapping import (
    BLOCK,
    FEW,
    batched,
    block_size,
    each_network,
    in_pieces,
    vmap_small_batches,
)
from netspace_jax.ops.platform import lowering
from tests import tiny
from tests.compiles import nothing_compiles

COUNTS = [1, 2, BLOCK, BLOCK + 5]  # fewer than are run at once, as many, and more


def scaled(row, factor, offset):
    return {"a": factor * row[0] + offset, "b": row[1]}


@pytest.mark.parametrize("lowered", ["cpu", "accelerator"])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("count", COUNTS)
def test_any_number_of_networks_is_what_each_is_alone(count, together, lowered):
    """Rows of the host or of the device; what comes back lies on the device."""
    rows = (np.arange(count, dtype=np.float32), np.arange(2 * count).reshape(count, 2))
    many = batched(scaled, static=("offset",), together=together)
    for given in (rows, jax.tree.map(jnp.asarray, rows)):
        with lowering(lowered):
            found = many(given, 3.0, offset=1)
        np.testing.assert_array_equal(found["a"], 3 * rows[0] + 1)
        np.testing.assert_array_equal(found["b"], rows[1])
        assert isinstance(found["a"], jax.Array)


@pytest.mark.parametrize("together", [True, False])
def test_one_program_serves_any_number(together):
    def own_name(row, factor):
        return factor * row

    many = batched(own_name, together=together)
    with lowering("cpu"):
        many(np.ones((2, 2)), 1.0)
        with nothing_compiles("own_name"):
            for count in (3, BLOCK, BLOCK + 5):
                many(np.ones((count, 2)), float(count))


@pytest.mark.parametrize(("count", "size"), [(1, 1), (2, 32), (500, 32), (3584, 128), (60_000, 1024)])
def test_many_networks_come_in_larger_blocks_where_they_are_computed_together(count, size):
    with lowering("cpu"):
        assert block_size(count, True) == size and block_size(count, False) == min(size, BLOCK)
    with lowering("accelerator"):  # of 16 GiB, as a CPU counts
        assert block_size(count, True) == min(1 << (count - 1).bit_length(), 32)


def test_a_block_may_be_as_small_as_the_networks_are_few():
    many = batched(lambda row: row + 1)
    np.testing.assert_array_equal(many(np.arange(5.0), size=5), np.arange(5.0) + 1)
    np.testing.assert_array_equal(many(np.arange(5.0), size=2), np.arange(5.0) + 1)


def test_no_networks_are_said_to_be_none():
    with pytest.raises(ValueError, match="no networks"):
        batched(lambda row: row)(np.zeros((0, 3)))


def test_networks_that_do_not_count_are_not_run_on_a_core():
    """A debug callback says which are."""
    ran = []

    def noted(row):
        jax.debug.callback(lambda value: ran.append(int(value)), row)
        return row

    with lowering("cpu"):
        jax.block_until_ready(batched(noted, together=False)(np.arange(3)))
    jax.effects_barrier()
    assert sorted(ran) == [0, 1, 2]


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
        value, slope = jax.jit(jax.value_and_grad(lambda weight: whole(weight, vmap_small_batches(part))))(3.0)
    expected, expected_slope = jax.value_and_grad(lambda weight: whole(weight, part))(3.0)
    np.testing.assert_allclose([value, slope], [expected, expected_slope], rtol=1e-5)
