"""Weights after flattened maps: PyTorch's order of channels, rows and columns against a plain Flax module's."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import exchange
from netspace_jax.architectures import Architecture, build
from netspace_jax.architectures.parameters import flatten
from netspace_jax.errors import InputError
from netspace_jax.exchange.export import _torch_tensors
from netspace_jax.exchange.flattening import Flattened, flattened_channels_last

SHAPE = (6, 5, 2)


class Plain(nn.Module):
    """A convolution, a pooling and two linear layers, of Flax's own; `order` is that of rows, columns and channels."""

    order: tuple[int, ...] = (0, 1, 2, 3)

    @nn.compact
    def __call__(self, x):
        x = nn.max_pool(nn.relu(nn.Conv(3, (3, 3), padding="VALID", name="conv")(x)), (2, 1), (2, 1))
        x = nn.LayerNorm(use_scale=False, use_bias=False)(x).transpose(self.order).reshape(len(x), -1)
        return nn.Dense(4, name="last")(nn.tanh(nn.Dense(7, name="first")(x)))


class Mean(nn.Module):
    """A convolution whose maps are averaged."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(4)(nn.Conv(3, (3, 3))(x).mean((1, 2)))


def architecture(module):
    return Architecture("plain", module, SHAPE)


def test_maps_that_are_flattened_channels_last_are_found():
    """The pooled map has two rows, three columns and three channels."""
    assert flattened_channels_last(architecture(Plain())) == {("first", "kernel"): Flattened(6, 3)}
    assert flattened_channels_last(architecture(Plain((0, 3, 1, 2)))) == {}
    assert flattened_channels_last(architecture(Mean())) == {}
    assert flattened_channels_last(build("tutorial", (16, 16, 1), 10)) == {}


def test_another_order_is_refused():
    with pytest.raises(InputError, match="cannot tell in which order maps are flattened before first"):
        flattened_channels_last(architecture(Plain((0, 1, 3, 2))))


def test_a_network_of_pytorch_computes_the_same_in_both_orders():
    """The same tensors, read by a module that flattens as PyTorch does and by one that does not."""
    first, last = architecture(Plain((0, 3, 1, 2))), architecture(Plain())
    params = jax.jit(first.init)(jax.random.key(0))["params"]
    state = _torch_tensors(first, np.asarray(flatten(first.spec, params)))
    images = jax.random.normal(jax.random.key(1), (3, *SHAPE))
    wanted = first.apply(jnp.asarray(exchange.load_network(state, first)), images)
    flat = exchange.load_network(state, last)
    np.testing.assert_allclose(last.apply(jnp.asarray(flat), images), wanted, atol=1e-5)
    for name, tensor in _torch_tensors(last, flat).items():
        np.testing.assert_array_equal(tensor, state[name])


def test_logits_are_those_of_the_module_in_pytorch():
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(
        torch.nn.Conv2d(2, 3, 3), torch.nn.ReLU(), torch.nn.MaxPool2d((2, 1)), torch.nn.LayerNorm([3, 2, 3]),
        torch.nn.Flatten(), torch.nn.Linear(18, 7), torch.nn.Tanh(), torch.nn.Linear(7, 4),
    )  # fmt: skip
    del net[3]
    state = {new + name[1:]: value for name, value in net.state_dict().items()
             for old, new in (("0", "conv"), ("4", "first"), ("6", "last")) if name[0] == old}  # fmt: skip
    images = np.random.default_rng(0).normal(size=(3, *SHAPE)).astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()

    class Same(nn.Module):
        @nn.compact
        def __call__(self, x):
            x = nn.max_pool(nn.relu(nn.Conv(3, (3, 3), padding="VALID", name="conv")(x)), (2, 1), (2, 1))
            return nn.Dense(4, name="last")(nn.tanh(nn.Dense(7, name="first")(x.reshape(len(x), -1))))

    built = architecture(Same())
    np.testing.assert_allclose(
        built.apply(jnp.asarray(exchange.load_network(state, built)), jnp.asarray(images)), wanted, atol=1e-5
    )
