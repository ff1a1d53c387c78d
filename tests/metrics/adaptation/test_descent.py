"""Networks tuned on the examples."""

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.metrics.adaptation import example_loss
from netspace_jax.metrics.adaptation.adapter import FixedNetwork
from netspace_jax.metrics.adaptation.descent import Steps, Tuned
from tests import tiny
from tests.compiles import nothing_compiles
from tests.metrics.adaptation import tasks

ARCHITECTURE, START = tiny.perceptron(6), tiny.flats(1, 6)[0]


@jax.jit
def tuned(rate, steps):
    adapter = Tuned(ARCHITECTURE, FixedNetwork(ARCHITECTURE, START), Steps(rate, steps), tiny.TASK)
    return adapter.flat(jax.random.key(0), tasks.examples())


def test_without_steps_it_is_the_start():
    np.testing.assert_array_equal(tuned(jnp.float32(0.1), jnp.int32(0)), START)


def test_the_loss_on_the_examples_falls_and_other_settings_compile_nothing():
    losses = [example_loss(tiny.TASK, ARCHITECTURE.bind(START), tasks.examples())]
    short = tuned(jnp.float32(0.01), jnp.int32(5))
    with nothing_compiles("tuned"):
        long = tuned(jnp.float32(0.02), jnp.int32(60))
    losses += [example_loss(tiny.TASK, ARCHITECTURE.bind(flat), tasks.examples()) for flat in (short, long)]
    assert losses[0] > losses[1] > losses[2]
