"""Descents of plain points, where what they should come to is known."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from netspace_jax.config import RefineConfig, SearchConfig
from netspace_jax.latent import EmbeddingStatistics, Schedule, drawn_rows, minimise

KEY = jax.random.key(0)
SCHEDULE = Schedule(200, 0.3)
STARTS = jnp.array([[0.0, 0.0, 0.0], [2.0, -1.0, 0.5], [-3.0, 0.0, 3.0]])
TARGET = jnp.array([1.0, -2.0, 0.5])


def gaussian(mean, deviation):
    return EmbeddingStatistics(jnp.asarray(mean), jnp.asarray(deviation), jnp.zeros((0, len(mean))), jnp.ones(0))


def squared_distance(point, target=TARGET):
    return jnp.square(point - target).sum()


def minimised(starts=STARTS, score=lambda point: -squared_distance(point), checks=10, schedule=SCHEDULE, **rest):
    def one(start):
        loss = rest.get("loss", lambda point, key, step: squared_distance(point))
        return minimise(loss, start, KEY, schedule, score=score, checks=checks, prior=rest.get("prior"))

    return jax.jit(jax.vmap(one))(starts)


def test_it_comes_to_the_minimum_from_everywhere():
    found = minimised()
    np.testing.assert_allclose(found.point, np.tile(TARGET, (3, 1)), atol=0.02)
    np.testing.assert_allclose(found.initial_score, -np.square(STARTS - TARGET[None]).sum(1), rtol=1e-5)
    np.testing.assert_allclose(found.score, -np.square(found.point - TARGET[None]).sum(1), atol=1e-5)
    assert found.losses.shape == (3, 10) and found.scores.shape == (3, 11)
    assert (found.losses[:, -1] < 0.01 * squared_distance(STARTS[1])).all()


def test_without_a_score_the_last_point_is_the_result():
    found = minimised(score=None)
    np.testing.assert_array_equal(found.point, found.last)
    np.testing.assert_allclose(found.last, minimised().last, rtol=1e-6)
    assert found.losses.shape == (3, 1) and found.scores.shape == (3, 0)


def test_the_best_at_a_check_is_kept_and_the_end_is_told():
    """What is minimised leads past what the score asks for."""
    found = minimised(jnp.zeros((1, 3)), lambda point: -squared_distance(point, 0.5 * TARGET))
    np.testing.assert_allclose(found.last, [TARGET], atol=0.02)
    np.testing.assert_allclose(found.score, -squared_distance(found.point[0], 0.5 * TARGET), atol=1e-5)
    assert found.score[0] > found.initial_score[0]
    assert np.linalg.norm(found.point - 0.5 * TARGET[None]) < np.linalg.norm(found.last - 0.5 * TARGET[None])


def test_a_start_that_is_best_stays():
    found = minimised(STARTS[:1], lambda point: -squared_distance(point, STARTS[0]))
    np.testing.assert_array_equal(found.point, STARTS[:1])
    assert found.score[0] == found.initial_score[0] == 0 and (found.last != found.point).any()


def test_a_score_that_is_no_number_is_no_result():
    found = minimised(score=lambda point: jnp.where(point[0] < 0.5, -squared_distance(point), jnp.nan))
    assert found.initial_score[1] == found.score[1] == -np.inf
    np.testing.assert_array_equal(found.point[1], STARTS[1])
    assert (np.asarray(found.point)[[0, 2], 0] < 0.5).all() and (found.last[:, 0] > 0.5).all()


def test_trust_is_towards_the_centre_in_the_priors_units():
    """Of (x − w)² + t·mean(u²) with x = m + s·u, the minimum is known."""
    mean, deviation, trust = np.array([1.0, 0.0, -1.0]), np.array([0.5, 1.0, 2.0]), 3.0
    prior = gaussian(jnp.float32(mean), jnp.float32(deviation))
    found = minimised(STARTS[:1], schedule=Schedule(400, 0.1, trust), prior=prior)
    u = deviation * (TARGET - mean) / (deviation**2 + trust / 3)
    np.testing.assert_allclose(found.last[0], mean + deviation * u, atol=0.02)


def test_without_a_prior_trust_is_the_points_own_mean_square():
    plain, none = (
        minimised(schedule=Schedule(50, 0.1, 2.0), prior=p) for p in (gaussian(jnp.zeros(3), jnp.ones(3)), None)
    )
    chex.assert_trees_all_close(plain, none, rtol=1e-6)


def test_it_is_adam_of_optax_along_a_cosine():
    schedule = Schedule(30, 0.1, final=0.02)
    found = minimise(
        lambda x, key, step: squared_distance(x), STARTS[1], KEY, schedule, optimizer=optax.scale_by_adam(b2=0.98)
    )
    adam = optax.adam(optax.cosine_decay_schedule(0.1, 30, 0.02), b2=0.98)
    point, state = STARTS[1], adam.init(STARTS[1])
    for _ in range(30):
        updates, state = adam.update(jax.grad(squared_distance)(point), state)
        point = optax.apply_updates(point, updates)
    np.testing.assert_allclose(found.last, point, rtol=1e-5)


def test_a_point_may_be_a_tree_and_the_optimizer_any():
    """Weight decay alone shrinks what no loss holds."""
    start = {"a": jnp.ones(3), "b": jnp.ones((2, 2))}
    decaying = optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(0.5))
    found = minimise(
        lambda point, key, step: squared_distance(point["a"]), start, KEY, Schedule(300, 0.1), optimizer=decaying
    )
    assert np.abs(found.last["b"]).max() < 0.01 and squared_distance(found.last["a"]) < 2
    chex.assert_trees_all_equal_shapes(found.last, start)


@pytest.mark.parametrize(("steps", "checks"), [(10, 4), (3, 20), (12, 4), (10, 1), (10, 10)])
def test_only_what_a_check_sees_is_chosen(steps, checks):
    """Checks lie evenly, the last at the end; at each step, where more are asked for."""

    def downhill(aim, checks):
        return minimised(
            jnp.ones((1, 1)),
            lambda point: -jnp.abs(point[0] - aim),
            checks,
            Schedule(steps, 1.0),
            loss=lambda x, *_: x[0],
        )

    each = downhill(0.0, steps)
    points = np.append(each.losses[0], each.last[0])  # the loss says where a step began
    due = {0, *np.rint(np.linspace(0, steps, checks + 1)).astype(int)}
    for aimed_at in range(steps + 1):
        found = downhill(points[aimed_at], checks)
        expected = min((points[step] for step in due), key=lambda x: abs(x - points[aimed_at]))
        np.testing.assert_allclose(found.point, [[expected]], atol=1e-5)


def test_nothing_but_structure_is_static():
    """Another key, rate, trust or number of steps traces nothing anew."""

    @jax.jit
    @chex.assert_max_traces(n=1)
    def descend(key, schedule):
        def loss(point, key, step):
            return squared_distance(point, jax.random.normal(jax.random.fold_in(key, step), (3,)))

        return minimise(loss, STARTS[0], key, schedule, score=lambda x: -squared_distance(x), checks=3).last

    configs = [SearchConfig(), SearchConfig(7, 0.1, 0.2), RefineConfig(steps=20, learning_rate=1, trust=0)]
    ends = [descend(jax.random.key(seed), Schedule.of(config)) for seed, config in enumerate(configs)]
    assert len({float(end[0]) for end in ends}) == 3


def test_rows_are_all_or_drawn():
    rows = jnp.arange(10)
    np.testing.assert_array_equal(drawn_rows(rows, KEY, 10), rows)
    drawn = drawn_rows(rows, KEY, 7)
    assert drawn.shape == (7,) and set(drawn.tolist()) <= set(range(10))
    assert (drawn != drawn_rows(rows, jax.random.key(1), 7)).any()
