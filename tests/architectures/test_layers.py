"""The shared layers: PyTorch's initial ranges and flattening."""

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures.layers import BatchNorm, Conv, Linear, flatten_maps, leaky_relu, to_maps


def test_maps_are_flattened_channel_row_column():
    images = jnp.arange(16.0).reshape(2, 2, 2, 2)  # 8·image + 4·row + 2·column + channel
    np.testing.assert_array_equal(
        flatten_maps(to_maps(images)), [[0, 2, 4, 6, 1, 3, 5, 7], [8, 10, 12, 14, 9, 11, 13, 15]]
    )


def test_leaky_relu():
    np.testing.assert_allclose(leaky_relu(jnp.array([-100.0, -1, 0, 2])), [-1, -0.01, 0, 2], rtol=1e-6)


@pytest.mark.parametrize(
    ("module", "shape", "fan_in"),
    [(Conv(64, (3, 5)), (6, 7, 6, 1), 105), (Linear(256), (1, 50), 50)],
    ids=["convolution", "linear"],
)
def test_start_is_pytorchs(module, shape, fan_in):
    """U(±1/√fan_in) for weights and biases."""
    params = module.init(jax.random.key(0), jnp.zeros(shape))["params"]
    bound = 1 / np.sqrt(fan_in)
    for name in ("kernel", "bias"):
        values = np.asarray(params[name])
        assert 0.9 * bound < np.abs(values).max() <= bound
        assert abs(values.mean()) < 0.2 * bound and abs(values.std() * np.sqrt(3) / bound - 1) < 0.15


def test_a_convolution_before_a_batch_norm_has_no_bias():
    params = Conv(4, use_bias=False).init(jax.random.key(0), jnp.zeros((5, 2, 5, 1)))["params"]
    chex.assert_shape(params["kernel"], (3, 3, 2, 4))
    assert params.keys() == {"kernel"}


@pytest.mark.parametrize("train", [True, False], ids=["training", "inference"])
def test_batch_norm_is_flaxs_over_channels(train):
    """Outputs, gradients and running statistics, for channels of different mean and scale."""
    keys = jax.random.split(jax.random.key(3), 3)
    channels = jnp.arange(1.0, 6)[None, :, None, None]
    x = jax.random.normal(keys[0], (4, 5, 3, 7)) * channels + channels - 3
    weights = jax.random.normal(keys[1], x.shape)
    params = {"scale": jnp.linspace(0.5, 2, 5), "bias": jnp.linspace(-1, 1, 5)}
    stats = {"mean": jnp.linspace(-1, 1, 5), "var": jnp.linspace(0.5, 3, 5)}

    def run(module, *arguments):
        def loss(params, x):
            y, after = module.apply({"params": params, "batch_stats": stats}, x, *arguments, mutable=["batch_stats"])
            return (y * weights).sum(), (y, after["batch_stats"])

        return jax.jit(jax.grad(loss, (0, 1), has_aux=True))(params, x)

    ours = run(BatchNorm(), train)
    theirs = run(nn.BatchNorm(use_running_average=not train, axis=1, momentum=0.9, epsilon=1e-5))
    chex.assert_trees_all_close(ours, theirs, rtol=1e-4, atol=1e-4)
