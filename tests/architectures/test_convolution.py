"""The convolution by slices is lax's, in each of its forms."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.convolution import banded_conv2d, columns_together, conv2d, im2col, images_together, tiled_conv2d

CASES = [((h, w), kernel, stride, padding) for (h, w), kernel, stride, padding in [
    ((8, 8), (3, 3), (1, 1), (1, 1)), ((8, 8), (3, 3), (2, 2), (1, 1)), ((7, 9), (5, 5), (2, 2), (0, 0)),
    ((9, 7), (5, 5), (2, 2), (2, 2)), ((5, 6), (1, 1), (2, 2), (0, 0)), ((5, 6), (1, 1), (1, 1), (0, 0)),
    ((4, 11), (1, 3), (1, 2), (0, 1)), ((11, 4), (3, 1), (1, 1), (1, 0)), ((6, 5), (2, 4), (3, 1), (1, 2)),
    ((3, 3), (3, 3), (1, 1), (0, 0)), ((2, 2), (3, 3), (2, 2), (1, 1))]]


def lax_conv(x, kernel, stride, padding):
    return jax.lax.conv_general_dilated(x, kernel, stride, [(p, p) for p in padding],
                                        dimension_numbers=("NHWC", "HWIO", "NHWC"), precision="highest")


def drawn(size, kernel):
    keys = jax.random.split(jax.random.key(sum(size) + kernel[0]))
    return jax.random.normal(keys[0], (2, *size, 3)), jax.random.normal(keys[1], (*kernel, 3, 4))


def banded(group):
    return lambda x, kernel, stride, padding: banded_conv2d(x, kernel, stride, padding, group)


def tiled(tile):
    return lambda x, kernel, stride, padding: tiled_conv2d(x, kernel, stride, padding, tile)


@pytest.mark.parametrize("conv", [conv2d, banded(1), banded(2), banded(3), tiled(1), tiled(2)],
                         ids=["chosen", "one", "two", "three", "image by image", "two images"])
@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), CASES)
def test_convolution_and_its_gradient_are_laxs(size, kernel, stride, padding, conv):
    x, weights = drawn(size, kernel)

    def both(conv):
        def loss(x, weights):
            y = conv(x, weights, stride, padding)
            return (y * jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape)).sum(), y

        return jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(x, weights)

    ((_, ours), our_gradients), ((_, theirs), their_gradients) = both(conv), both(lax_conv)
    chex.assert_trees_all_close((ours, our_gradients), (theirs, their_gradients), rtol=1e-5, atol=1e-5)


def test_vmapped_kernels_convolve_as_each_alone():
    x, _ = drawn((6, 6), (3, 3))
    kernels = jax.random.normal(jax.random.key(2), (4, 3, 3, 3, 5))
    together = jax.jit(jax.vmap(lambda kernel: conv2d(x, kernel, (2, 2), (1, 1))))(kernels)
    for one, kernel in zip(together, kernels, strict=True):
        np.testing.assert_allclose(one, lax_conv(x, kernel, (2, 2), (1, 1)), rtol=1e-5, atol=1e-5)


def test_a_batch_that_a_cache_does_not_hold_is_taken_in_tiles():
    x, kernel = jax.random.normal(jax.random.key(0), (12, 32, 32, 8)), jax.random.normal(jax.random.key(1), (3, 3, 8, 4))
    tile = images_together(x.shape, kernel.shape, (1, 1), (1, 1))
    assert tile == 6 and 4 * 32 * 32 * 72 * tile <= 2e6  # of 294,912 bytes each; the most that divide 12
    assert images_together((12, 8, 8, 8), kernel.shape, (1, 1), (1, 1)) == 12
    assert images_together((13, 32, 32, 8), kernel.shape, (1, 1), (1, 1)) == 1
    assert images_together((4, 512, 512, 8), kernel.shape, (1, 1), (1, 1)) == 1
    np.testing.assert_allclose(conv2d(x, kernel, (1, 1), (1, 1)), lax_conv(x, kernel, (1, 1), (1, 1)), rtol=1e-4, atol=1e-4)


def test_columns_are_computed_together_where_maps_or_channels_are_few():
    def chosen(size, channels, out, kernel=3, stride=1, padding=1):
        return columns_together((size, size, channels), (kernel, kernel, channels, out), (stride, stride), (padding, padding))

    assert chosen(8, 4, 4) == 8  # a narrow ResNet on small images: whole rows
    assert chosen(32, 3, 6, 5, 2, 0) in (2, 14)  # patches of three channels are slow to copy
    assert chosen(8, 64, 64) == 1  # many channels: the products are what costs
    assert chosen(8, 4, 8, 1, 2, 0) == 1  # windows that do not overlap
    assert columns_together((8, 10_000, 1), (1, 3, 1, 128), (1, 2), (0, 1)) == 1  # a slice for each group would be too many


def test_patches_are_ordered_row_column_channel():
    x = jnp.arange(18.0).reshape(1, 3, 3, 2)
    patches = im2col(x, (2, 2), (1, 1), (0, 0))
    np.testing.assert_array_equal(patches[0, 0, 1], [2, 3, 4, 5, 8, 9, 10, 11])
