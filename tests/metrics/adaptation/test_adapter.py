"""Adapters: examples that do not count, and settings by the number of those that do."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.metrics.adaptation import Adapter, ByCount, example_loss
from netspace_jax.metrics.adaptation.adapter import RandomNetwork, weighted_mean
from tests import tiny
from tests.metrics.adaptation import tasks


def test_the_loss_is_the_mean_over_the_examples_that_count():
    given, network = tasks.examples(count=3), tiny.perceptron(6).bind(tiny.flats(1, 6)[0])
    alone = tiny.TASK.fit_loss(network(given.inputs[:3]), given.targets[:3])
    np.testing.assert_allclose(example_loss(tiny.TASK, network, given), alone, rtol=1e-5)


def test_what_fills_up_may_be_no_number():
    values = jnp.array([1.0, 3.0, jnp.nan])
    assert weighted_mean(values, jnp.array([1.0, 1.0, 0.0])) == 2
    gradient = jax.grad(lambda v: weighted_mean(v, jnp.array([1.0, 1.0, 0.0])))(values)
    np.testing.assert_allclose(gradient, [0.5, 0.5, 0])


@flax.struct.dataclass
class Constant:
    """Answers with its setting."""

    settings: Any
    one_network = True
    parameters = 1

    def adapt(self, key, examples):
        return lambda inputs: jnp.full(len(inputs), self.settings)


@pytest.mark.parametrize(("count", "answer"), [(1, 10), (2, 10), (4, 20), (8, 20)])
def test_settings_are_those_of_the_nearest_number_of_examples(count, answer):
    adapter = ByCount(Constant(jnp.float32(0)), jnp.array([1.0, 5.0, 50.0]), jnp.array([10.0, 20.0, 30.0]))
    given = tasks.examples(count=count)
    assert isinstance(adapter, Adapter) and adapter.one_network and adapter.parameters == 1
    assert adapter.adapt(jax.random.key(0), given)(given.inputs)[0] == answer


def test_random_networks_differ_by_their_key():
    adapter = RandomNetwork(tiny.perceptron(6))
    first, second = (adapter.flat(jax.random.key(seed), tasks.examples()) for seed in (0, 1))
    assert adapter.parameters == len(first) and (first != second).any()
