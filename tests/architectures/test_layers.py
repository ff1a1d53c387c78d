"""The shared layers: PyTorch's initial ranges and flattening."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.layers import Conv, Linear, flatten_maps, leaky_relu


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
