import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from netspace_jax import architectures
from netspace_jax.config import ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.population.network import Untrained
from netspace_jax.zoo import recipe
from tests.tiny import CLASSES, SHAPE, dataset


class Inner(nn.Module):
    @nn.compact
    def __call__(self, x, deterministic):
        return nn.BatchNorm(deterministic, momentum=0.5, epsilon=1e-3, name="norm")(nn.Conv(3, (3, 3))(x))


class Net(nn.Module):
    """Batch norms before and after a convolution, one in a module of its own, and dropout."""

    outputs: int

    @nn.compact
    def __call__(self, x, deterministic=True):
        x = nn.BatchNorm(deterministic, momentum=0.5)(x)
        x = nn.max_pool(nn.relu(Inner()(x, deterministic)), (2, 2), (2, 2))
        x = nn.Dropout(0.25)(x, deterministic=deterministic)
        return nn.Dense(self.outputs)(x.reshape(len(x), -1))


def built(make, name="of-a-user"):
    architectures.register(name, make)
    return architectures.build(name, SHAPE, CLASSES)


@pytest.mark.long
def test_a_module_with_batch_norms_and_dropout_trains_and_is_folded():
    architecture, data = built(lambda shape, outputs: Net(outputs)), dataset()
    config = ZooConfig(architectures=("of-a-user",), members=(1,), steps=60, batch=16, learning_rate=1e-2)
    one = recipe(architecture, config)
    untrained = Untrained(jax.random.key(0), jax.random.key(1), jnp.int32(0), jnp.int32(60))
    state = jax.jit(one.advance)(one.start(untrained, data), data, 0, 60)
    assert {"params", "batch_stats"} == set(state.variables)
    trained = jax.jit(one.finish)(state, data)
    x = data.examples("test").inputs
    np.testing.assert_allclose(
        jax.jit(architecture.apply)(trained.flat, x),
        jax.jit(Net(CLASSES).apply)(state.variables, x),
        rtol=1e-4,
        atol=1e-5,
    )
    assert trained.flat.shape == (architecture.size,) and trained.outcome.score_test > 0.6
    assert not any("mean" in leaf.path or "var" in leaf.path for leaf in architecture.spec.leaves)


def test_dropout_draws_from_the_key_of_a_step():
    architecture = built(lambda shape, outputs: Net(outputs))
    variables, x = architecture.init(jax.random.key(0)), jax.random.normal(jax.random.key(1), (4, *SHAPE))
    params, state = variables["params"], {"batch_stats": variables["batch_stats"]}
    step = jax.jit(architecture.train_apply)
    first, again, other = (step(params, state, x, jax.random.key(i))[0] for i in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_an_nnx_module_joins_by_flax_own_bridge():
    class Perceptron(nnx.Module):
        def __init__(self, outputs, rngs):
            self.first, self.last = nnx.Linear(16, 5, rngs=rngs), nnx.Linear(5, outputs, rngs=rngs)

        def __call__(self, x):
            return self.last(nnx.relu(self.first(x.reshape(len(x), -1))))

    architecture = built(lambda shape, outputs: nnx.bridge.to_linen(Perceptron, outputs))
    assert architecture.size == 16 * 5 + 5 + 5 * CLASSES + CLASSES
    variables = architecture.init(jax.random.key(0))
    assert architecture.apply(architecture.finish(variables), jnp.ones((2, *SHAPE))).shape == (2, CLASSES)
    with pytest.raises(InputError, match="bridge.to_linen"):
        built(lambda shape, outputs: Perceptron(outputs, nnx.Rngs(0)))


def test_lists_of_layers_are_taken():
    layers = [nn.Conv(2, (3, 3)), nn.relu, lambda x: x.reshape(len(x), -1), nn.Dense(CLASSES)]
    architecture = built(lambda shape, outputs: nn.Sequential(layers))
    assert hash(architecture) and architecture.size == 20 + 4 * 4 * 2 * CLASSES + CLASSES
    with pytest.raises(InputError, match="cannot be hashed"):
        built(lambda shape, outputs: nn.Dense(CLASSES, precision={}))


class Unknown(nn.Module):
    """What cannot be done, each for a reason."""

    what: str

    @nn.compact
    def __call__(self, x, train=True):
        if self.what == "scale":
            x = nn.BatchNorm(use_running_average=not train, use_scale=False)(x)
        if self.what == "own statistics":
            self.variable("batch_stats", "seen", jnp.zeros, ())
        if self.what == "cache":
            self.variable("cache", "seen", jnp.zeros, ())
        if self.what == "noise" and train:
            x += jax.random.normal(self.make_rng("noise"), x.shape)
        if self.what == "always":
            x = nn.Dropout(0.5, deterministic=False)(x)
        return nn.Dense(2)(x).reshape(len(x), -1) @ jnp.ones((7 if self.what == "shape" else 32, 2))


class Untold(nn.Module):
    @nn.compact
    def __call__(self, x):
        return nn.BatchNorm(use_running_average=False)(x)


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (Unknown("scale"), "BatchNorm_0 of module Unknown has no scale"),
        (Unknown("own statistics"), "batch statistics and is no flax.linen.BatchNorm"),
        (Unknown("cache"), "holds cache"),
        (Unknown("noise"), 'PRNG for "noise"'),
        (Unknown("always"), "none at inference"),
        (Unknown("shape"), r"cannot be called on inputs of shape \(4, 4, 1\)"),
        (Untold(), "takes none of train, training"),
        (nn.relu, "not a flax.linen module"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(module, reason):
    with pytest.raises(InputError, match=reason) as caught:
        built(lambda shape, outputs: module)
    assert "\n" not in str(caught.value)
