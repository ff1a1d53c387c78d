"""PyTorch's tutorial network: its sizes, its logits beside PyTorch's own and beside plain NumPy, its names."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures, exchange
from netspace_jax.architectures.layers import max_pool_2x2, to_maps
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.errors import InputError

SHAPE = (32, 32, 3)


def network(shape=SHAPE, outputs=10, seed=0):
    """The architecture and a random network of it."""
    architecture = architectures.build("tutorial", shape, outputs)
    return architecture, jax.jit(lambda key: architecture.finish(architecture.init(key)))(jax.random.key(seed))


@pytest.mark.parametrize(("shape", "size"), [(SHAPE, 62_006), ((28, 28, 1), 44_426), ((16, 16, 1), 15_626)])
def test_sizes(shape, size):
    assert architectures.build("tutorial", shape, 10).size == size


def test_names_and_shapes_are_those_of_the_tutorial():
    architecture, flat = network()
    shapes = dict(
        zip(exchange.torch_names(architecture), (leaf.torch_shape for leaf in architecture.spec.leaves), strict=True)
    )
    assert shapes == {
        "conv1.weight": (6, 3, 5, 5), "conv1.bias": (6,), "conv2.weight": (16, 6, 5, 5), "conv2.bias": (16,),
        "fc1.weight": (120, 400), "fc1.bias": (120,), "fc2.weight": (84, 120), "fc2.bias": (84,),
        "fc3.weight": (10, 84), "fc3.bias": (10,),
    }  # fmt: skip


def plainly(params, images):
    """The network in NumPy, one sum after another: images channel first, flattened channel first."""
    x = np.asarray(images, np.float64).transpose(0, 3, 1, 2)
    for layer in ("Conv_0", "Conv_1"):
        kernel, bias = (np.asarray(params[layer][name], np.float64) for name in ("kernel", "bias"))
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (2, 3))
        x = np.maximum(np.einsum("nchwij,ijco->nohw", windows, kernel) + bias[:, None, None], 0)
        height, width = x.shape[2] // 2 * 2, x.shape[3] // 2 * 2
        x = x[:, :, :height, :width].reshape(*x.shape[:2], height // 2, 2, width // 2, 2).max((3, 5))
    x = x.reshape(len(x), -1)
    for number in range(3):
        kernel, bias = (np.asarray(params[f"Linear_{number}"][name], np.float64) for name in ("kernel", "bias"))
        x = x @ kernel + bias
        x = np.maximum(x, 0) if number < 2 else x
    return x


@pytest.mark.parametrize("shape", [SHAPE, (19, 18, 1)])
def test_logits_are_what_its_sums_say(shape):
    architecture, flat = network(shape)
    images = jax.random.normal(jax.random.key(1), (3, *shape))
    logits = jax.jit(architecture.apply)(flat, images)
    np.testing.assert_allclose(logits, plainly(unflatten(architecture.spec, flat), images), rtol=1e-5, atol=1e-5)


def torch_tutorial(torch):
    """The module as the tutorial writes it."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.pool, self.conv2 = nn.Conv2d(3, 6, 5), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5)
            self.fc1, self.fc2, self.fc3 = nn.Linear(16 * 5 * 5, 120), nn.Linear(120, 84), nn.Linear(84, 10)

        def forward(self, x):
            x = self.pool(torch.relu(self.conv1(x)))
            x = torch.flatten(self.pool(torch.relu(self.conv2(x))), 1)
            return self.fc3(torch.relu(self.fc2(torch.relu(self.fc1(x)))))

    return Net()


def test_logits_are_pytorchs():
    torch = pytest.importorskip("torch")
    module = torch_tutorial(torch)
    images = np.random.default_rng(0).uniform(-1, 1, (4, *SHAPE)).astype(np.float32)
    with torch.no_grad():
        wanted = module(torch.from_numpy(images.transpose(0, 3, 1, 2).copy())).numpy()
    architecture = architectures.build("tutorial", SHAPE, 10)
    flat = jnp.asarray(exchange.load_network(module.state_dict(), architecture))
    np.testing.assert_allclose(jax.jit(architecture.apply)(flat, images), wanted, rtol=1e-5, atol=1e-5)


def test_pooling_takes_the_maximum_of_each_window():
    maps = to_maps(jnp.arange(2 * 5 * 4.0).reshape(1, 5, 4, 2))
    pooled = max_pool_2x2(maps)
    np.testing.assert_array_equal(pooled[:, 0, :, 0], [[10, 14], [26, 30]])
    gradient = jax.grad(lambda maps: (max_pool_2x2(maps) ** 2).sum() / 2)(maps)
    assert gradient.sum() == pooled.sum() and (gradient != 0).sum() == pooled.size


@pytest.mark.parametrize("shape", [(15, 32, 3), (8, 8, 1), (64,)])
def test_images_that_are_too_small_are_refused(shape):
    with pytest.raises(InputError, match="tutorial takes images of at least 16×16"):
        architectures.build("tutorial", shape, 10)
