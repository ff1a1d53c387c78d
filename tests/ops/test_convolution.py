"""The convolution row by row is lax's, however many rows are taken together."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.ops import rows
from netspace_jax.ops.convolution import conv2d, row_conv2d, shared_conv2d, taps_by_phase
from netspace_jax.ops.platform import lowering

CASES = [
    ((h, w), kernel, stride, padding)
    for (h, w), kernel, stride, padding in [
        ((8, 8), (3, 3), (1, 1), (1, 1)),
        ((8, 8), (3, 3), (2, 2), (1, 1)),
        ((7, 9), (5, 5), (2, 2), (0, 0)),
        ((9, 7), (5, 5), (2, 2), (2, 2)),
        ((5, 6), (1, 1), (2, 2), (0, 0)),
        ((5, 6), (1, 1), (1, 1), (0, 0)),
        ((4, 11), (1, 3), (1, 2), (0, 1)),
        ((11, 4), (3, 1), (1, 1), (1, 0)),
        ((6, 5), (2, 4), (3, 1), (1, 2)),
        ((3, 3), (3, 3), (1, 1), (0, 0)),
        ((2, 2), (3, 3), (2, 2), (1, 1)),
        ((6, 5), (1, 1), (1, 1), (1, 2)),
        ((6, 5), (1, 2), (2, 3), (2, 2)),
        ((12, 10), (3, 3), (1, 1), (1, 1)),
        ((3, 1), (1, 6), (1, 1), (0, 3)),
        ((1, 3), (6, 1), (1, 1), (3, 0)),
        ((1, 1), (7, 7), (2, 2), (4, 4)),
    ]
]


def lax_conv(x, kernel, stride, padding):
    return jax.lax.conv_general_dilated(
        x, kernel, stride, [(p, p) for p in padding], dimension_numbers=("HCWN", "HWIO", "HCWN"), precision="highest"
    )


def drawn(size, kernel, batch=2):
    keys = jax.random.split(jax.random.key(sum(size) + kernel[0]))
    return jax.random.normal(keys[0], (size[0], 3, size[1], batch)), jax.random.normal(keys[1], (*kernel, 3, 4))


def with_gradients(conv, x, weights, stride, padding):
    def loss(x, weights):
        y = conv(x, weights, stride, padding)
        return (y * jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape)).sum(), y

    (_, y), gradients = jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(x, weights)
    return y, gradients


@functools.cache
def by_lax(size, kernel, stride, padding):
    """The case as lax computes it, once for all ways that are compared with it."""
    return with_gradients(lax_conv, *drawn(size, kernel), stride, padding)


TILES = [(1, case) for case in CASES] + [(some, case) for some in (2_000, 10**8) for case in CASES[::4]]


@pytest.mark.parametrize(("tile_bytes", "case"), TILES)
def test_convolution_and_its_gradients_are_laxs(tile_bytes, case, monkeypatch):
    """Row by row, some rows at a time, and all."""
    monkeypatch.setattr(rows, "TILE_BYTES", tile_bytes)
    size, kernel, stride, padding = case
    x, weights = drawn(size, kernel)
    chex.assert_trees_all_close(
        with_gradients(row_conv2d, x, weights, stride, padding),
        by_lax(size, kernel, stride, padding),
        rtol=1e-5,
        atol=1e-5,
    )


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), CASES[::2])
def test_an_accelerators_way_and_its_gradients_are_laxs(size, kernel, stride, padding):
    x, weights = drawn(size, kernel)
    wanted = by_lax(size, kernel, stride, padding)
    with lowering("accelerator"):
        found = with_gradients(conv2d, x, weights, stride, padding)
        shared = with_gradients(shared_conv2d, x, weights, stride, padding)
    chex.assert_trees_all_close(found, wanted, rtol=1e-5, atol=1e-5)
    chex.assert_trees_all_close(shared, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shared", [True, False], ids=["the same images", "images of its own"])
@pytest.mark.parametrize("tile_bytes", [1, 10**8], ids=["row by row", "all rows"])
def test_vmapped_kernels_convolve_as_each_alone(shared, tile_bytes, monkeypatch):
    monkeypatch.setattr(rows, "TILE_BYTES", tile_bytes)
    x = jax.random.normal(jax.random.key(1), (6, 3, 6, 2) if shared else (4, 6, 3, 6, 2))
    kernels = jax.random.normal(jax.random.key(2), (4, 3, 3, 3, 5))
    axis = None if shared else 0
    together = jax.vmap(lambda x, kernel: with_gradients(conv2d, x, kernel, (2, 2), (1, 1)), (axis, 0))(x, kernels)
    for network, kernel in enumerate(kernels):
        alone = with_gradients(lax_conv, x if shared else x[network], kernel, (2, 2), (1, 1))
        chex.assert_trees_all_close(
            jax.tree.map(lambda leaf, network=network: leaf[network], together), alone, rtol=1e-5, atol=1e-5
        )


def test_a_map_that_a_cache_does_not_hold_is_taken_in_tiles_of_rows():
    """The program loops over the rows, and its largest product is for a few of them."""
    x, kernel = jnp.zeros((32, 8, 32, 64)), jnp.zeros((3, 3, 8, 4))
    assert "while" in jax.jit(lambda: row_conv2d(x, kernel, (1, 1), (1, 1))).lower().as_text()
    assert "while" not in jax.jit(lambda: row_conv2d(x[:8, :, :8, :4], kernel, (1, 1), (1, 1))).lower().as_text()


def test_taps_fall_on_the_phase_they_are_listed_under():
    for size, stride, padding in [(3, 1, 1), (3, 2, 1), (5, 2, 0), (1, 2, 0), (4, 3, 2)]:
        phases = taps_by_phase(size, stride, padding)
        assert sorted(tap for taps in phases for tap, _ in taps) == list(range(size))
        for phase, taps in enumerate(phases):
            for tap, shift in taps:
                for output in range(3):
                    assert stride * output + tap - padding == stride * (output + shift) + phase


@pytest.mark.long
def test_bfloat16_maps_are_summed_in_float32():
    """Gradients over 4,096 positions, within what rounding x, the kernel and dy alone makes."""
    x, weights = (v.astype(jnp.bfloat16) for v in drawn((32, 32), (3, 3), batch=4))
    y, back = jax.vjp(lambda x, weights: row_conv2d(x, weights, (1, 1), (1, 1)), x, weights)
    dy = jax.random.normal(jax.random.key(8), y.shape).astype(jnp.bfloat16)
    wide = [v.astype(jnp.float32) for v in (x, weights)]
    exact, exact_back = jax.vjp(lambda x, weights: lax_conv(x, weights, (1, 1), (1, 1)), *wide)
    for ours, theirs in zip((y, *back(dy)), (exact, *exact_back(dy.astype(jnp.float32))), strict=True):
        assert ours.dtype == jnp.bfloat16
        assert np.abs(ours.astype(jnp.float32) - theirs).max() <= 2**-8 * np.abs(theirs).max()
