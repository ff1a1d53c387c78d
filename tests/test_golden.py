"""One step of each training at fixed seeds: root mean squares of gradient, update and parameters, as they have been.

Whoever changes them on purpose changes them here, and says why. Adam's first moment after one step is a tenth of the
gradient. Compiled as tests are, and as users' programs are.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspace_jax.latent import Fit, Schedule, minimise
from netspace_jax.ops.devices import network_mesh
from netspace_jax.space.build import initial_params, make_constants, make_netspace
from netspace_jax.space.loss import Group
from netspace_jax.space.step import TrainData, initial_state, plan_step, train_step
from netspace_jax.zoo.plan import untrained
from netspace_jax.zoo.training import recipe
from tests import tiny

ZOO = tiny.zoo_config(optimizer="adam", learning_rate=1e-2, weight_decay=0.0)
SPACE = tiny.netspace_config(schedule="constant", learning_rate=1e-3, noise=0.1)
LEVELS = pytest.mark.parametrize("level", [pytest.param(0, marks=pytest.mark.long), 1])


def compiled(function, level, *arguments):
    """What a function gives, compiled at a level of LLVM's optimisation."""
    options = {"xla_backend_optimization_level": level}
    return jax.jit(function).lower(*arguments).compile(options)(*arguments)


def rms(tree):
    """Root mean square of all values of a tree."""
    return float(np.sqrt(np.square(np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])).mean()))


def assert_golden(expected, loss, gradient, before, after):
    update = jax.tree.map(jnp.subtract, after, before)
    found = {"loss": float(loss), "gradient": rms(gradient), "update": rms(update), "parameters": rms(after)}
    assert found == pytest.approx(expected, rel=1e-3)


@LEVELS
@pytest.mark.parametrize("name", ["perceptron", "normed"])
def test_a_step_of_a_zoos_network(name, level):
    """A linear network, and one with a convolution and a batch norm."""
    architecture, dataset = getattr(tiny, name)(), tiny.dataset()
    training = recipe(architecture, ZOO)
    member = jax.tree.map(lambda leaf: leaf[3], untrained(ZOO, architecture.name, 4))
    first = training.start(member, dataset)
    after = compiled(training.advance, level, first, dataset, jnp.int32(0), jnp.int32(1))
    gradient = jax.tree.map(lambda moment: 10 * moment, optax.tree.get(after.optimizer, "mu"))
    golden = {
        "perceptron": {"loss": 1.46959, "gradient": 0.0726501, "update": 0.00999993, "parameters": 0.213122},
        "normed": {"loss": 1.36686, "gradient": 0.0976522, "update": 0.00999991, "parameters": 0.274042},
    }
    assert_golden(golden[name], after.loss, gradient, first.variables["params"], after.variables["params"])


@pytest.fixture(scope="module")
def netspace():
    """An untrained NetSpace, its data, and what it trains on."""
    dataset, built, flats = tiny.dataset(), (tiny.perceptron(),), tiny.flats(12)
    constants = make_constants(SPACE, built, dataset, (np.asarray(flats),))
    netspace = make_netspace(SPACE, built, dataset.behaviour, constants)
    return TrainData(dataset, netspace, {0: Group(flats, jnp.arange(12))}, None, jax.random.key(SPACE.seed))


@LEVELS
def test_a_step_of_netspace(netspace, level):
    first = jax.jit(functools.partial(initial_state, config=SPACE))(netspace)

    def step(state, data):
        planned = plan_step(data, state.step, SPACE)
        return train_step(state, data, planned, config=SPACE, mesh=network_mesh(1), corrected=False)

    after, losses = compiled(step, level, first, netspace)
    gradient = jax.tree.map(lambda moment: 10 * moment, optax.tree.get(after.optimizer, "mu"))
    golden = {"loss": 1.76120, "gradient": 0.105331, "update": 0.000835821, "parameters": 0.229235}
    assert_golden(golden, losses.total, gradient, first.params, after.params)


@LEVELS
def test_a_step_of_search(netspace, level):
    space = netspace.netspace.replace(params=jax.jit(initial_params)(netspace.netspace, jax.random.key(0)))
    objective, start = Fit(netspace.dataset, 16), jax.random.normal(jax.random.key(1), (SPACE.embedding,))

    def moved(start, space, optimizer):
        def loss(z, key, step):
            flat = space.generate(z, 0)
            return objective.loss(lambda x: space.architectures[0].apply(flat, x), key, step)

        found = minimise(loss, start, jax.random.key(2), Schedule(1, 0.1, trust=0.05), optimizer=optimizer)
        return found.last, found.losses[-1]

    along, loss = compiled(functools.partial(moved, optimizer=optax.identity()), level, start, space)
    after, _ = compiled(functools.partial(moved, optimizer=optax.scale_by_adam()), level, start, space)
    golden = {"loss": 2.60558, "gradient": 1.74008, "update": 0.0999993, "parameters": 0.508933}
    assert_golden(golden, loss, (start - along) / 0.1, start, after)
