"""Training of one network: how it starts, its scores, and which parameters are kept."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.domains.images.loading import training
from netspace_jax.ops.devices import network_mesh
from netspace_jax.population.network import Untrained
from netspace_jax.population.trainer import Trainer
from netspace_jax.zoo import recipe
from netspace_jax.zoo.plan import untrained, validation_steps
from tests import tiny

ARCHITECTURES = {"perceptron3": tiny.perceptron, "normed": tiny.normed}
ONE = Untrained(jax.random.key(0), jax.random.key(1), jnp.int32(0), jnp.int32(12))


@pytest.fixture(scope="module")
def data():
    return tiny.dataset(crop_padding=1)


def starts(config, data):
    start = jax.jit(jax.vmap(recipe(tiny.perceptron(), config).start, (0, None)))
    return jax.tree.leaves(start(untrained(config, "perceptron3", 3), data).variables)


def test_members_have_initialisations_of_their_own_or_share_one(data):
    for leaf in starts(tiny.zoo_config(steps=12), data):
        assert (leaf[0] != leaf[1]).any() and (leaf[1] != leaf[2]).any()
    for leaf in starts(tiny.zoo_config(steps=12, shared_init=True), data):
        np.testing.assert_array_equal(leaf[0], leaf[1])
        np.testing.assert_array_equal(leaf[0], leaf[2])


def trained(config, data):
    one = recipe(tiny.perceptron(), config)

    @jax.jit
    def train(untrained, data):
        return one.finish(one.advance(one.start(untrained, data), data, jnp.int32(0), jnp.int32(12)), data)

    return train(ONE, data)


@pytest.mark.parametrize("optimizer", [pytest.param("adam", marks=pytest.mark.long), "sgd"])
def test_weight_decay_makes_parameters_smaller(data, optimizer):
    plain, decayed = (
        np.asarray(trained(tiny.zoo_config(optimizer=optimizer, steps=12, weight_decay=decay), data).flat)
        for decay in (0.0, 0.1)
    )
    assert np.linalg.norm(decayed) < 0.99 * np.linalg.norm(plain)


def test_scores_are_asked_of_the_members_own_data(data):
    flat, examples = tiny.flats(1)[0], data.examples("test")
    right = np.asarray(tiny.perceptron().apply(flat, examples.inputs)).argmax(-1) == np.asarray(examples.targets)
    np.testing.assert_allclose(
        data.of(3).score(tiny.perceptron().bind(flat), jax.random.key(0), "test"), right.mean(), atol=1e-6
    )


@pytest.mark.parametrize("name", [pytest.param("perceptron3", marks=pytest.mark.long), "normed"])
def test_parameters_stay_float32_while_products_are_rounded(data, name):
    one = training(ARCHITECTURES[name](), tiny.zoo_config(steps=12, optimizer="sgd", precision="bfloat16"))
    state = one.advance(one.start(ONE, data), data, jnp.int32(0), jnp.int32(1))
    chex.assert_tree_all_finite((state.variables, state.loss))
    assert {leaf.dtype for leaf in jax.tree.leaves((state.variables, state.loss))} == {jnp.dtype("float32")}


@pytest.mark.parametrize(("validate_from", "steps"), [(0.25, [3, 6, 9, 12]), (0.0, [0, 4, 8, 12])])
def test_the_best_at_a_validation_check_is_kept(data, validate_from, steps):
    """With validation checks, what remains of a network is how it was when validation images liked it best."""
    # The learning rate is too large: scores go up and down.
    config = tiny.zoo_config(steps=12, stops="end", validations=4, validate_from=validate_from, learning_rate=2.0)
    one = recipe(tiny.perceptron(), config)
    seen = []

    def spied(state, data):
        state = one.validate(state, data)
        step = state.optimizer[0].count
        now = one.finish(state.replace(kept=state.variables), data).outcome.score_validation
        jax.debug.callback(lambda *values: seen.append([float(value) for value in values]), step, now, state.kept_score)
        return state

    trainer = Trainer(lambda _: one._replace(validate=spied), network_mesh(1), checks=validation_steps(config))
    trained = trainer.train(untrained(config, "perceptron3", 1), tiny.perceptron(), data)
    jax.effects_barrier()
    checked, scores, kept = np.array(seen).T
    assert list(checked) == steps and scores[-1] < scores.max()
    np.testing.assert_array_equal(kept, np.maximum.accumulate(scores))
    np.testing.assert_allclose(trained.outcome.score_validation, scores.max(), atol=1e-6)
