"""PyTorch's names and source, from lists of layers."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures, exchange
from netspace_jax.architectures import Architecture
from netspace_jax.architectures.chain import CHANNELS_FIRST, FLATTEN, RELU, Chain, Convolution, Dense, Residual


class Named(nn.Module):
    """A user's module that says how its layers are called in PyTorch."""

    layer_list = (Dense("net.first", 3), RELU, Dense("net.last", 2))

    @nn.compact
    def __call__(self, x):
        return nn.Dense(2)(nn.relu(nn.Dense(3)(x)))


def test_a_users_module_may_say_its_names():
    built = Architecture("named", Named(), (4,))
    assert exchange.torch_names(built) == ("net.first.weight", "net.first.bias", "net.last.weight", "net.last.bias")
    assert 'self.net["last"](x)' in (exchange.torch_module(built) or "")


@pytest.mark.parametrize("layers", [(Dense("a", 3),), (Dense("a", 3), Dense("a", 2))])
def test_a_list_that_is_not_the_modules_is_refused(layers):
    with pytest.raises(ValueError, match="named: 2 layers with parameters"):
        exchange.torch_names(Architecture("named", type("Other", (Named,), {"layer_list": layers})(), (4,)))


BRANCHES = (
    CHANNELS_FIRST,
    Residual((Convolution("a.0", 2, 3, 1, 1), RELU, Residual((Convolution("a.1", 2, 3, 1, 1),))), ()),
    FLATTEN,
    Dense("b", 3),
)


@pytest.mark.parametrize(
    "built",
    [
        architectures.build("tutorial", (19, 18, 1), 10),
        architectures.build("resnet14", (9, 17, 3), 5),
        architectures.build("siren-5-4-w7.5", (2,), 3),
        Architecture("branches", Chain(BRANCHES), (4, 5, 2)),
    ],
    ids=lambda built: built.name,
)
def test_the_source_computes_the_same(built):
    torch = pytest.importorskip("torch")
    names: dict = {}
    exec(exchange.torch_module(built) or "", names)
    network = names["Network"]()
    flat = 0.3 * jax.random.normal(jax.random.key(0), (built.size,))
    parts = np.split(np.array(flat), built.spec.offsets[1:])
    tensors = {
        name: torch.from_numpy(part.reshape(leaf.torch_shape))
        for name, part, leaf in zip(exchange.torch_names(built), parts, built.spec.leaves, strict=True)
    }
    network.load_state_dict(tensors)
    x = jax.random.normal(jax.random.key(1), (3, *built.input_shape))
    with torch.no_grad():
        outputs = network(torch.from_numpy(np.array(x))).numpy()
    expected = jax.jit(built.apply)(flat, x)
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5 * float(jnp.abs(expected).max()))
