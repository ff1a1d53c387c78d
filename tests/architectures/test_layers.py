"""The shared layers: a convolution by slices that is lax's, PyTorch's initial ranges and flattening."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.layers import Conv, Linear, conv2d, flatten_maps, im2col, leaky_relu

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


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="only the CPU convolves by slices")
@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), CASES)
def test_convolution_and_its_gradient_are_laxs(size, kernel, stride, padding):
    x, weights = drawn(size, kernel)

    def both(conv):
        def loss(x, weights):
            y = conv(x, weights, stride, padding)
            return (y * jnp.cos(jnp.arange(y.size, dtype=jnp.float32)).reshape(y.shape)).sum(), y

        return jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True))(x, weights)

    ((_, ours), our_gradients), ((_, theirs), their_gradients) = both(conv2d), both(lax_conv)
    chex.assert_trees_all_close((ours, our_gradients), (theirs, their_gradients), rtol=1e-5, atol=1e-5)


def test_vmapped_kernels_convolve_as_each_alone():
    x, _ = drawn((6, 6), (3, 3))
    kernels = jax.random.normal(jax.random.key(2), (4, 3, 3, 3, 5))
    together = jax.jit(jax.vmap(lambda kernel: conv2d(x, kernel, (2, 2), (1, 1))))(kernels)
    for one, kernel in zip(together, kernels, strict=True):
        np.testing.assert_allclose(one, lax_conv(x, kernel, (2, 2), (1, 1)), rtol=1e-5, atol=1e-5)


def test_patches_are_ordered_row_column_channel():
    x = jnp.arange(18.0).reshape(1, 3, 3, 2)
    patches = im2col(x, (2, 2), (1, 1), (0, 0))
    np.testing.assert_array_equal(patches[0, 0, 1], [2, 3, 4, 5, 8, 9, 10, 11])


def test_maps_are_flattened_channel_row_column():
    x = jnp.arange(8.0).reshape(1, 2, 2, 2)  # 4·row + 2·column + channel
    np.testing.assert_array_equal(flatten_maps(x), [[0, 2, 4, 6, 1, 3, 5, 7]])


def test_leaky_relu():
    np.testing.assert_allclose(leaky_relu(jnp.array([-100.0, -1, 0, 2])), [-1, -0.01, 0, 2], rtol=1e-6)


@pytest.mark.parametrize(("module", "shape", "fan_in"), [
    (Conv(64, (3, 5)), (1, 6, 6, 7), 105), (Linear(256), (1, 50), 50)], ids=["convolution", "linear"])
def test_start_is_pytorchs(module, shape, fan_in):
    """U(±1/√fan_in) for weights and biases."""
    params = module.init(jax.random.key(0), jnp.zeros(shape))["params"]
    bound = 1 / np.sqrt(fan_in)
    for name in ("kernel", "bias"):
        values = np.asarray(params[name])
        assert 0.9 * bound < np.abs(values).max() <= bound
        assert abs(values.mean()) < 0.2 * bound and abs(values.std() * np.sqrt(3) / bound - 1) < 0.15


def test_a_convolution_before_a_batch_norm_has_no_bias():
    params = Conv(4, use_bias=False).init(jax.random.key(0), jnp.zeros((1, 5, 5, 2)))["params"]
    chex.assert_shape(params["kernel"], (3, 3, 2, 4))
    assert params.keys() == {"kernel"}
