"""Training of one network and of many: the same alone, together and spread over devices; and what members draw."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.stats

from netspace_jax.config import ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh
from netspace_jax.zoo.population import REFERENCE_EPOCHS, Population, make_optimizer, make_training, member_keys, plan
from tests import tiny

COUNT = 5
STOPS = np.array([12, 0, 3, 1, 9], np.int32)
ARCHITECTURES = {"perceptron3": tiny.perceptron, "normed": tiny.normed}
CONFIGS = {"adam": tiny.zoo_config(steps=12), "sgd": tiny.zoo_config(steps=12, optimizer="sgd", weight_decay=5e-4),
           "shared": tiny.zoo_config(steps=12, shared_start=True),
           "bfloat16": tiny.zoo_config(steps=12, optimizer="sgd", weight_decay=5e-4, precision="bfloat16")}


@pytest.fixture(scope="module")
def task():
    return tiny.task(crop_padding=1)


@functools.cache
def population(name, recipe, devices):
    return Population(ARCHITECTURES[name](), CONFIGS[recipe], network_mesh(devices))


def train(task, name="perceptron3", recipe="adam", devices=1, stops=STOPS, on_progress=lambda done, loss: None):
    fill = np.arange(-(-COUNT // devices) * devices) % COUNT
    trained = population(name, recipe, devices).train(
        fill, np.zeros(len(fill), np.int32), stops[fill], task, on_progress)
    return jax.tree.map(lambda leaf: np.asarray(leaf)[:COUNT], trained)


def assert_same(ours, theirs):
    """Parameters within 5e-6 of the largest."""
    assert ours.flat.shape == theirs.flat.shape
    assert np.abs(ours.flat - theirs.flat).max() <= 5e-6 * np.abs(theirs.flat).max()


@pytest.mark.parametrize(("name", "recipe"), [("perceptron3", "adam"), ("normed", "sgd")])
def test_together_is_as_each_alone(task, name, recipe):
    together = train(task, name, recipe)
    one = jax.tree.map(jax.jit, make_training(ARCHITECTURES[name](), CONFIGS[recipe]))
    for index, key in enumerate(member_keys(CONFIGS[recipe], name, COUNT)):
        state = one.start(key, jnp.int32(0), jnp.int32(STOPS[index]))
        alone = one.finish(one.advance(state, task, 0, int(STOPS[index])), task)
        assert_same(jax.tree.map(lambda leaf, index=index: leaf[index], together), alone)


@pytest.mark.parametrize("devices", [2, 8])
def test_spread_over_devices_is_as_on_one(task, devices):
    assert_same(train(task, devices=devices), train(task))


def test_networks_of_batch_norms_spread_over_devices(task):
    assert_same(train(task, "normed", "sgd", 8), train(task, "normed", "sgd"))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_in_bfloat16_products_are_rounded_and_parameters_are_not(task, name):
    """Steps of less than a bfloat16's last place add up; what comes out is near float32's, and not the same."""
    rounded, exact = train(task, name, "bfloat16"), train(task, name, "sgd")
    moved = np.abs(exact.flat - train(task, name, "sgd", stops=np.zeros(COUNT, np.int32)).flat)
    difference = np.abs(rounded.flat - exact.flat)
    assert rounded.flat.dtype == np.float32 and rounded.outcome.finite.all()
    assert 0 < difference.max() <= 0.1 * moved.max()
    one = make_training(ARCHITECTURES[name](), CONFIGS["bfloat16"])
    state = one.advance(one.start(jax.random.key(0), jnp.int32(0), jnp.int32(1)), task, 0, 1)
    chex.assert_tree_all_finite((state.variables, state.loss))
    assert {leaf.dtype for leaf in jax.tree.leaves((state.variables, state.loss))} == {jnp.dtype("float32")}


def test_what_is_reported_is_true(task):
    """The scores are those of the parameters, the loss is the last step's, progress adds up to all steps."""
    steps = []
    trained = train(task, on_progress=lambda done, loss: steps.append(done))
    apply = jax.jit(tiny.perceptron().apply)
    for split, scores in (("validation", trained.outcome.score_validation), ("test", trained.outcome.score_test)):
        examples = task.examples(split, jnp.int32(0))
        expected = [(np.asarray(apply(flat, examples.inputs)).argmax(1) == examples.targets).mean() for flat in trained.flat]
        np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert np.isnan(trained.outcome.loss[STOPS == 0]).all() and (trained.outcome.loss[STOPS > 0] > 0).all()
    assert sum(steps) == STOPS.sum() and min(steps) >= 0


def test_training_learns(task):
    untrained, trained = (train(task, stops=np.full(COUNT, steps, np.int32)) for steps in (0, 12))
    assert trained.outcome.score_test.mean() > untrained.outcome.score_test.mean() + 0.2


def test_different_lengths_are_traced_once(task, monkeypatch):
    chex.clear_trace_counter()

    def counted(*arguments):
        training = make_training(*arguments)
        return training._replace(advance=chex.assert_max_traces(training.advance, n=1))

    monkeypatch.setattr("netspace_jax.zoo.population.make_training", counted)
    population.cache_clear()
    for stops in (STOPS, STOPS[::-1].copy(), np.minimum(STOPS, 2)):
        train(task, stops=stops)
    population.cache_clear()


def starts(recipe):
    one = make_training(tiny.perceptron(), CONFIGS[recipe])
    state = jax.jit(jax.vmap(one.start, (0, None, None)))(member_keys(CONFIGS[recipe], "perceptron3", 3), jnp.int32(0), jnp.int32(0))
    return jax.tree.leaves(state.variables)


def test_members_have_starts_of_their_own_or_share_one():
    for leaf in starts("adam"):
        assert (leaf[0] != leaf[1]).any() and (leaf[1] != leaf[2]).any()
    for leaf in starts("shared"):
        np.testing.assert_array_equal(leaf[0], leaf[1])
        np.testing.assert_array_equal(leaf[0], leaf[2])


def test_members_of_a_shared_start_see_batches_of_their_own(task):
    trained = train(task, recipe="shared", stops=np.full(COUNT, 3, np.int32))
    assert np.abs(trained.flat[0] - trained.flat[1]).max() > 1e-3


def test_seeds_and_architectures_give_other_keys():
    keys = [jax.random.key_data(member_keys(config, name, 4))
            for config, name in ((ZooConfig(), "a"), (ZooConfig(), "b"), (ZooConfig(seed=1), "a"))]
    assert len(np.unique(np.concatenate(keys), axis=0)) == 12


def test_a_bigger_zoo_draws_the_same_for_its_earlier_members():
    small, big = plan(ZooConfig(), "lenetlike", 10), plan(ZooConfig(), "lenetlike", 1000)
    np.testing.assert_array_equal(big.stops[:10], small.stops)
    np.testing.assert_array_equal(big.draws[:10], small.draws)
    few, many = (jax.random.key_data(member_keys(ZooConfig(), "lenetlike", count)) for count in (10, 1000))
    np.testing.assert_array_equal(many[:10], few)


def test_stops_are_log_uniform_within_their_bounds():
    stops = plan(ZooConfig(steps=400, min_steps=3), "lenetlike", 4000).stops
    assert stops.min() == 3 and stops.max() == 400
    share = np.histogram(stops, 3 * 2.0 ** np.arange(8))[0] / len(stops)
    np.testing.assert_allclose(share, np.log(2) / np.log(401 / 3), atol=0.02)  # each doubling as likely as the next


def test_split_draws_are_uniform_and_do_not_follow_the_stops():
    drawn = plan(ZooConfig(), "lenetlike", 4000)
    assert scipy.stats.kstest(drawn.draws, "uniform").pvalue > 1e-3
    assert abs(scipy.stats.spearmanr(drawn.draws, drawn.stops).statistic) < 0.06


def test_the_references_stops():
    """0 to 99 by 1, 101 to 199 by 2, 204 to 299 by 5, 309 to 399 by 10, 424 to 499 by 25, 549, 599: 186 of them."""
    assert len(set(REFERENCE_EPOCHS)) == 186 and list(REFERENCE_EPOCHS) == sorted(REFERENCE_EPOCHS)
    for low, high, by, count in ((0, 99, 1, 100), (101, 199, 2, 50), (204, 299, 5, 20), (309, 399, 10, 10), (424, 499, 25, 4)):
        assert np.array_equal([epoch for epoch in REFERENCE_EPOCHS if low <= epoch <= high], np.linspace(low, high, count))
        assert (high - low) // by + 1 == count
    config = ZooConfig(stops="reference", steps=599 * 312)
    np.testing.assert_array_equal(plan(config, "resnet8", 186).stops, np.array(REFERENCE_EPOCHS) * 312)


def test_members_that_stop_at_the_end_and_the_teacher():
    assert (plan(ZooConfig(stops="end", steps=7), "lenetlike", 3).stops == 7).all()
    assert (plan(ZooConfig(steps=7, teacher="resnet56"), "resnet56", 1).stops == 7).all()
    longer = ZooConfig(steps=7, teacher="resnet56", teacher_steps=50)
    assert (plan(longer, "resnet56", 1).stops == 50).all() and plan(longer, "lenetlike", 9).stops.max() <= 7


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


def test_the_learning_rate_is_cut_at_shares_of_the_steps():
    config = ZooConfig(learning_rate=0.01, decay=0.1, decay_at=(0.5, 0.75), steps=8)
    moved = -np.diff(steps_of(config, [1.0] * 9), prepend=1.0)
    np.testing.assert_allclose(moved, 0.01 * np.array([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01]), rtol=1e-2)


def test_the_best_look_is_kept(task, monkeypatch):
    """With looks, what remains of a network is how it was when validation images liked it best."""
    config = tiny.zoo_config(steps=12, stops="end", looks=4, looks_from=0.0, learning_rate=2.0)  # too large: up and down
    one = make_training(tiny.perceptron(), config)
    seen = []

    def spied(state, task):
        state = one.look(state, task)
        now = one.finish(state.replace(kept=state.variables), task).outcome.score_validation
        jax.debug.callback(lambda *values: seen.append([float(value) for value in values]), now, state.kept_score)
        return state

    monkeypatch.setattr("netspace_jax.zoo.population.make_training", lambda *_: one._replace(look=spied))
    trained = Population(tiny.perceptron(), config, network_mesh(1)).train(
        np.zeros(1, np.int32), np.zeros(1, np.int32), np.full(1, 12, np.int32), task, lambda done, loss: None)
    scores, kept = np.array(seen).T
    assert len(scores) == 4 and scores[-1] < scores.max()
    np.testing.assert_array_equal(kept, np.maximum.accumulate(scores))
    np.testing.assert_allclose(trained.outcome.score_validation, scores.max(), atol=1e-6)


def test_too_many_devices_are_refused():
    with pytest.raises(InputError, match="--devices 9: .* 8 cpu"):
        network_mesh(9)
