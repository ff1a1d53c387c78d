"""Lists of layers: what runs by them, and their words."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax import architectures
from netspace_jax.architectures import Architecture, registry
from netspace_jax.architectures.chain import (
    AVERAGE_POOL,
    CHANNELS_FIRST,
    FLATTEN,
    LEAKY_RELU,
    RELU,
    Chain,
    Convolution,
    Dense,
    Residual,
    parametrised,
    words,
)
from netspace_jax.exchange import load_network


def test_a_chain_computes_what_flax_layers_do():
    layers = (CHANNELS_FIRST, Convolution("a", 3, 3, 2, 1), RELU, AVERAGE_POOL, FLATTEN, Dense("b", 2))
    chain = Architecture("chain", Chain(layers), (16, 16, 2))
    flat = jax.random.normal(jax.random.key(0), (chain.size,))
    x = jax.random.normal(jax.random.key(1), (4, 16, 16, 2))
    kernel, bias, weight, last = np.split(flat, chain.spec.offsets[1:])
    convolution = nn.Conv(3, (3, 3), 2, 1)
    maps = convolution.apply({"params": {"kernel": kernel.reshape(3, 2, 3, 3).transpose(2, 3, 1, 0), "bias": bias}}, x)
    means = jnp.maximum(maps, 0).mean((1, 2))
    np.testing.assert_allclose(chain.apply(flat, x), means @ weight.reshape(2, 3).T + last[None], rtol=1e-4, atol=1e-5)


def test_words_say_what_no_tensor_tells_and_count_what_is_repeated():
    block = (Residual((Convolution("a", 4, 3, 1, 1), LEAKY_RELU), (Convolution("b", 4, 1),)), LEAKY_RELU)
    assert words((CHANNELS_FIRST, *block, *block, FLATTEN, Dense("c", 2))) == (
        "2 × block (convolution 4@3×3 of stride 1 and padding 1, leaky ReLU of slope 0.01; plus convolution 4@1×1 of "
        "stride 1 and padding 0), leaky ReLU of slope 0.01; flatten in the order channel, row, column; linear 2"
    )
    assert [layer.name for layer in parametrised(block)] == ["a", "b"]
    assert words((Residual((Dense("a", 3),)),)) == "block (linear 3; plus what goes in)"


def test_a_list_with_batch_norms_trains_with_them_and_is_folded(monkeypatch):
    """By Flax's variables and by a state_dict of PyTorch's names alike; a kernel of 1×1 stays as it is when turned."""
    monkeypatch.setattr(registry, "_BUILDERS", dict(registry._BUILDERS))
    layers = (CHANNELS_FIRST, Convolution("a", 3, 1, 2, 0, norm="b"), LEAKY_RELU, FLATTEN, Dense("c", 2))
    architectures.register("listed", lambda shape, outputs: Chain(layers))
    built = architectures.build("listed", (4, 4, 2), 2)
    random = np.random.default_rng(0)
    shapes = jax.eval_shape(built.init, jax.random.key(0))
    variables = jax.tree.map(lambda leaf: jnp.asarray(random.uniform(0.5, 1.5, leaf.shape), jnp.float32), shapes)
    x = jax.random.normal(jax.random.key(1), (3, 4, 4, 2))
    flat = built.finish(variables)
    assert built.trainee is not None
    np.testing.assert_allclose(built.apply(flat, x), built.trainee.apply(variables, x), rtol=1e-4, atol=1e-5)
    (place,) = variables["batch_stats"]
    norm, statistics = variables["params"][place]["norm"], variables["batch_stats"][place]["norm"]
    linear = variables["params"]["Linear_0"]
    state = {
        "a.weight": variables["params"][place]["conv"]["kernel"].transpose(3, 2, 0, 1),
        "b.weight": norm["scale"], "b.bias": norm["bias"],
        "b.running_mean": statistics["mean"], "b.running_var": statistics["var"],
        "c.weight": linear["kernel"].T, "c.bias": linear["bias"],
    }  # fmt: skip
    np.testing.assert_allclose(load_network(state, built), flat, rtol=1e-6)
