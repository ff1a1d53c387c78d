"""MAML: what its inner steps change, and gradients through them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures import build
from netspace_jax.metrics.adaptation import example_loss, maml
from netspace_jax.metrics.adaptation.config import AdaptationConfig
from netspace_jax.metrics.adaptation.maml import InnerSteps, Kind, Learned, MetaTuned, fit_maml, last_layer
from tests import tiny
from tests.metrics.adaptation import tasks

PERCEPTRON, COUNTS = tiny.perceptron(6), jnp.array([1.0, 6.0])
CONFIG = AdaptationConfig(examples=(1, 6), maml_steps=40, maml_tasks=4, inner_steps=2, inner_rate=0.1, maml_rate=1e-2)


def learned(architecture, rate=0.1, steps=2):
    flat = 0.5 * jax.random.normal(jax.random.key(3), (architecture.size,))
    return Learned(flat, jnp.full((2, steps, len(architecture.spec.leaves)), jnp.log(rate)))


def loss_of(architecture, first_order):
    kind = Kind(jnp.array(first_order), jnp.ones(architecture.size))
    given = {"architecture": architecture, "dataset": tasks.data(), "members": jnp.arange(8), "kind": kind}
    return jax.jit(lambda learned: maml._task_loss(learned, jax.random.key(1), counts=(1, 6), **given))


@pytest.mark.parametrize("name", ["perceptron6", pytest.param("lenetlike", marks=pytest.mark.long)])
def test_the_second_order_is_the_true_gradient_and_the_first_is_not(name):
    """Along a random direction, against finite differences; a LeNetLike has convolutions of our own."""
    architecture = build(name, tiny.SHAPE, tiny.CLASSES)
    point, direction = learned(architecture), jax.random.normal(jax.random.key(2), (architecture.size,))
    direction /= jnp.linalg.norm(direction)
    second, first = loss_of(architecture, False), loss_of(architecture, True)
    step = 3e-3
    ends = [second(point._replace(flat=point.flat + sign * step * direction)) for sign in (1.0, -1.0)]
    slope = (ends[0] - ends[1]) / (2 * step)
    along = [jax.grad(loss)(point).flat @ direction for loss in (second, first)]
    np.testing.assert_allclose(along[0], slope, rtol=0.05, atol=2e-3)
    assert abs(along[1] - along[0]) > 1e-3
    np.testing.assert_allclose(second(point), first(point), rtol=1e-5)


def test_only_the_last_layer_moves_in_anil():
    moves = jnp.asarray(last_layer(PERCEPTRON.spec))
    assert moves.sum() == 6 * tiny.CLASSES + tiny.CLASSES
    settings = InnerSteps(jnp.float32(1), jnp.int32(4))
    adapter = MetaTuned(PERCEPTRON, learned(PERCEPTRON), COUNTS, moves, settings, tiny.TASK)
    flat = adapter.flat(jax.random.key(0), tasks.examples())
    changed = flat != adapter.learned.flat
    assert changed[moves > 0].any() and not changed[moves == 0].any()


@pytest.mark.long
def test_meta_training_lowers_the_loss_after_inner_steps():
    members, start = tasks.members("train"), np.asarray(learned(PERCEPTRON).flat)
    kinds = Kind(np.array([False, True]), np.ones((2, PERCEPTRON.size), np.float32))
    found = fit_maml(jax.random.key(0), PERCEPTRON, tasks.data(), members.indices, start, kinds, CONFIG)
    assert found.flat.shape == (2, PERCEPTRON.size) and (found.flat[0] != found.flat[1]).any()

    def after(learned):
        settings = InnerSteps(jnp.float32(1), jnp.int32(2))
        adapter = MetaTuned(PERCEPTRON, learned, COUNTS, jnp.ones(PERCEPTRON.size), settings, tiny.TASK)
        given = [tasks.examples(int(member)) for member in tasks.members("test").indices]
        return np.mean([example_loss(tiny.TASK, adapter.adapt(jax.random.key(0), one), one) for one in given])

    before = after(learned(PERCEPTRON))
    assert all(after(jax.tree.map(lambda leaf, i=i: jnp.asarray(leaf[i]), found)) < before - 0.1 for i in (0, 1))
