"""Training of one network: what its recipe is, how it starts, and which parameters are kept."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspace_jax.config import ZooConfig
from netspace_jax.domains.images.loading import training
from netspace_jax.ops.devices import network_mesh
from netspace_jax.zoo.plan import member_keys
from netspace_jax.zoo.population import Population
from netspace_jax.zoo.training import make_optimizer, supervised
from tests import tiny

ARCHITECTURES = {"perceptron3": tiny.perceptron, "normed": tiny.normed}


@pytest.fixture(scope="module")
def data():
    return tiny.dataset(crop_padding=1)


def steps_of(config, gradients):
    """Values of one parameter that begins at 1, after each of some gradients."""
    optimizer = make_optimizer(config)
    value = jnp.float32(1)
    state, values = optimizer.init(value), []
    for gradient in gradients:
        updates, state = optimizer.update(jnp.float32(gradient), state, value)
        value = optax.apply_updates(value, updates)
        values.append(float(value))
    return np.array(values)


def test_sgd_is_pytorchs():
    """v ← 0.9·v + (g + 5e-4·w), w ← w − lr·v, as `torch.optim.SGD` has it."""
    config = ZooConfig(optimizer="sgd", learning_rate=0.05, weight_decay=5e-4)
    w, v, expected = 1.0, 0.0, []
    for gradient in (1.0, -2.0, 0.5):
        v = 0.9 * v + gradient + 5e-4 * w
        w -= 0.05 * v
        expected.append(w)
    np.testing.assert_allclose(steps_of(config, (1.0, -2.0, 0.5)), expected, rtol=1e-6)


def test_adam_with_weight_decay_is_pytorchs():
    """g ← g + 0.1·w before the moments, as `torch.optim.Adam` has it, and not apart from them as AdamW has."""
    config = ZooConfig(optimizer="adam", learning_rate=0.05, weight_decay=0.1)
    w, m, v, expected = 1.0, 0.0, 0.0, []
    for t, gradient in enumerate((1.0, -2.0, 0.5), start=1):
        g = gradient + 0.1 * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.05 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        expected.append(w)
    found = steps_of(config, (1.0, -2.0, 0.5))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    without = steps_of(ZooConfig(optimizer="adam", learning_rate=0.05), (1.0, -2.0, 0.5))
    assert np.abs(found - without).max() > 1e-4


def test_the_learning_rate_is_cut_at_shares_of_the_steps():
    config = ZooConfig(learning_rate=0.01, decay=0.1, decay_at=(0.5, 0.75), steps=8)
    moved = -np.diff(steps_of(config, [1.0] * 9), prepend=1.0)
    np.testing.assert_allclose(moved, 0.01 * np.array([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01]), rtol=1e-2)


def starts(config):
    one = supervised(tiny.perceptron(), config)
    keys = member_keys(config, "perceptron3", 3)
    state = jax.jit(jax.vmap(one.start, (0, None, None)))(keys, jnp.int32(0), jnp.int32(0))
    return jax.tree.leaves(state.variables)


def test_members_have_initialisations_of_their_own_or_share_one():
    for leaf in starts(tiny.zoo_config(steps=12)):
        assert (leaf[0] != leaf[1]).any() and (leaf[1] != leaf[2]).any()
    for leaf in starts(tiny.zoo_config(steps=12, shared_init=True)):
        np.testing.assert_array_equal(leaf[0], leaf[1])
        np.testing.assert_array_equal(leaf[0], leaf[2])


def trained(config, data, steps, name="perceptron3"):
    one = supervised(ARCHITECTURES[name](), config)

    @jax.jit
    def train(key, data):
        state = one.start(key, jnp.int32(0), jnp.int32(steps))
        return one.finish(one.advance(state, data, jnp.int32(0), jnp.int32(steps)), data)

    return train(jax.random.key(0), data)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_weight_decay_makes_parameters_smaller(data, optimizer):
    plain, decayed = (
        np.asarray(trained(tiny.zoo_config(optimizer=optimizer, steps=12, weight_decay=decay), data, 12).flat)
        for decay in (0.0, 0.1)
    )
    assert np.linalg.norm(decayed) < 0.99 * np.linalg.norm(plain)


def test_scores_are_asked_of_the_members_own_data(data):
    flat, examples = tiny.flats(1)[0], data.examples("test")
    right = np.asarray(tiny.perceptron().apply(flat, examples.inputs)).argmax(-1) == np.asarray(examples.targets)
    np.testing.assert_allclose(
        data.of(3).score(tiny.perceptron().bind(flat), jax.random.key(0), "test"), right.mean(), atol=1e-6
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameters_stay_float32_while_products_are_rounded(data, name):
    one = training(ARCHITECTURES[name](), tiny.zoo_config(steps=12, optimizer="sgd", precision="bfloat16"))
    state = one.advance(one.start(jax.random.key(0), jnp.int32(0), jnp.int32(1)), data, jnp.int32(0), jnp.int32(1))
    chex.assert_tree_all_finite((state.variables, state.loss))
    assert {leaf.dtype for leaf in jax.tree.leaves((state.variables, state.loss))} == {jnp.dtype("float32")}


@pytest.mark.parametrize(("validate_from", "steps"), [(0.25, [3, 6, 9, 12]), (0.0, [0, 4, 8, 12])])
def test_the_best_at_a_validation_check_is_kept(data, validate_from, steps):
    """With validation checks, what remains of a network is how it was when validation images liked it best."""
    # The learning rate is too large: scores go up and down.
    config = tiny.zoo_config(steps=12, stops="end", validations=4, validate_from=validate_from, learning_rate=2.0)
    one = supervised(tiny.perceptron(), config)
    seen = []

    def spied(state, data):
        state = one.validate(state, data)
        step = state.optimizer[0].count
        now = one.finish(state.replace(kept=state.variables), data).outcome.score_validation
        jax.debug.callback(lambda *values: seen.append([float(value) for value in values]), step, now, state.kept_score)
        return state

    population = Population(tiny.perceptron(), config, network_mesh(1), lambda *_: one._replace(validate=spied))
    found = population.train(np.zeros(1, np.int32), np.full(1, 12, np.int32), data, lambda done, loss: None)
    jax.effects_barrier()
    checked, scores, kept = np.array(seen).T
    assert list(checked) == steps and scores[-1] < scores.max()
    np.testing.assert_array_equal(kept, np.maximum.accumulate(scores))
    np.testing.assert_allclose(found.outcome.score_validation, scores.max(), atol=1e-6)
