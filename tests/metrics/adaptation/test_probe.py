"""Linear probes on features."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.architectures.parameters import unflatten
from netspace_jax.errors import InputError
from netspace_jax.metrics.adaptation import example_loss
from netspace_jax.metrics.adaptation.config import AdaptationConfig
from netspace_jax.metrics.adaptation.probe import (
    Probe,
    ProbeSettings,
    Trunk,
    check_features,
    features,
    fit_trunks,
    linear,
)
from tests import tiny
from tests.metrics.adaptation import tasks


class Plain(nn.Module):
    """Flax's own convolution, which runs in our layouts."""

    @nn.compact
    def __call__(self, x):
        return nn.Dense(4)(nn.relu(nn.Conv(3, (2, 2))(x)).reshape(len(x), -1))


class Maps(nn.Module):
    """Its last layer is a convolution."""

    @nn.compact
    def __call__(self, x):
        return nn.Conv(4, (4, 4), padding="VALID")(x)[:, 0, 0]


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setattr("netspace_jax.architectures.registry._BUILDERS", {**architectures.registry._BUILDERS})
    architectures.register("plain", lambda shape, outputs: Plain())
    architectures.register("maps", lambda shape, outputs: Maps())


def random_network(architecture):
    return jax.random.normal(jax.random.key(0), (architecture.size,)) * 0.3


@pytest.mark.parametrize("name", ["perceptron6", "lenetlike", "plain"])
def test_the_own_last_layer_on_the_features_gives_the_outputs(name):
    architecture = architectures.build(name, tiny.SHAPE, tiny.CLASSES)
    flat, inputs = random_network(architecture), tasks.examples().inputs
    check_features(architecture)
    *_, kernel = [leaf for leaf in architecture.spec.leaves if len(leaf.shape) > 1]
    params = unflatten(architecture.spec, flat)
    for part in kernel.path[:-1]:
        params = params[part]
    head = jnp.concatenate([params["kernel"], params["bias"][None]])
    found = jax.jit(lambda flat: linear(head, features(architecture, flat, inputs)))(flat)
    np.testing.assert_allclose(found, architecture.apply(flat, inputs), atol=1e-5)


def test_a_last_layer_that_is_not_linear_is_refused():
    with pytest.raises(InputError, match="last layer of maps"):
        check_features(architectures.build("maps", tiny.SHAPE, tiny.CLASSES))


def test_the_probe_is_the_logistic_regression():
    """At its optimum the gradient of loss and penalty vanishes: no other head is better."""
    architecture, given = tiny.perceptron(6), tasks.examples(count=8)
    trunk = Trunk(random_network(architecture)[None], jnp.zeros((1, 6)), jnp.ones((1, 6)))
    outputs = {}
    for strength in (0.01, 1.0):
        probe = Probe(architecture, trunk, ProbeSettings(jnp.int32(0), jnp.float32(strength)), tiny.TASK)
        outputs[strength] = example_loss(tiny.TASK, probe.adapt(jax.random.key(0), given), given)
    from sklearn.linear_model import LogisticRegression

    known = np.asarray(features(architecture, trunk.flat[0], given.inputs))
    for strength, loss in outputs.items():
        theirs = LogisticRegression(C=1 / (2 * strength * 8), max_iter=1000).fit(known, np.asarray(given.targets))
        expected = -np.log(theirs.predict_proba(known)[np.arange(8), np.asarray(given.targets)]).mean()
        np.testing.assert_allclose(loss, expected, atol=5e-3)


@pytest.mark.long
def test_trunks_are_the_pooled_one_and_one_of_own_last_layers():
    architecture, members = tiny.perceptron(6), tasks.members("train")
    start = np.asarray(random_network(architecture))
    config = AdaptationConfig(pooled_steps=20, pooled_batch=16)
    trunks = fit_trunks(jax.random.key(0), architecture, tasks.data(), members.indices, start, config)
    assert trunks.flat.shape == (2, architecture.size) and trunks.mean.shape == trunks.deviation.shape == (2, 6)
    np.testing.assert_array_equal(trunks.flat[0], start)
    assert (trunks.flat[1] != start).any() and (trunks.deviation > 0).all()
