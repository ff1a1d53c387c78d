"""Signed distance fields: points of the network's own shape, half outside and half inside."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.behaviour import Behaviour, behaviour_from, describe_behaviour
from netspace_jax.dataset import Dataset, one_task
from netspace_jax.domains.fields.behaviour import Picture, SignedDistance
from netspace_jax.domains.fields.dataset import Samples, field_data
from netspace_jax.domains.fields.sampling import ShapeSamples
from netspace_jax.errors import InputError
from tests.domains.fields.small import shapes_of

SHAPES, POINTS = 3, 40


@pytest.fixture(scope="module")
def data():
    """Rows x, y, z, distance, in which x is the shape, y counts the rows and the sign says which side."""

    def rows(sign, count):
        table = np.zeros((SHAPES, count, 4), np.float32)
        table[..., 0] = np.arange(SHAPES)[:, None]
        table[..., 1] = np.arange(count)
        table[..., 3] = sign * (1 + np.arange(count)) / 100
        return jnp.asarray(table)

    return shapes_of(rows(1, POINTS), rows(-1, POINTS), rows(1, 20), rows(1, 10))


@pytest.fixture(scope="module")
def behaviour(data):
    return data.behaviour


def test_batches_are_half_outside_and_half_inside_the_networks_shape(data):
    sample = jax.jit(jax.vmap(lambda data, key, item, step: data.of(item).sample(key, step, 16), (None, 0, 0, None)))
    batch = sample(data, jax.random.split(jax.random.key(0), SHAPES), jnp.arange(SHAPES), jnp.int32(3))
    assert batch.inputs.shape == (SHAPES, 16, 3) and batch.targets.shape == (SHAPES, 16, 1)
    np.testing.assert_array_equal(batch.inputs[..., 0], np.repeat(np.arange(SHAPES), 16).reshape(SHAPES, 16))
    assert (batch.targets[:, :8] > 0).all() and (batch.targets[:, 8:] < 0).all()
    np.testing.assert_allclose(np.abs(batch.targets[..., 0]), (1 + batch.inputs[..., 1]) / 100, rtol=1e-6)


def test_steps_draw_other_points_and_reach_all(data):
    sample = jax.jit(lambda step: data.of(1).sample(jax.random.key(0), step, 16).inputs[:8, 1])
    seen = [tuple(np.asarray(sample(step)).astype(int)) for step in range(200)]
    assert len({*seen}) > 20
    assert set().union(*seen) == set(range(POINTS))


def test_a_third_of_what_is_imitated_lies_near_the_surface(data):
    """Of 80 points of the second shape; near are those of the least distance, the lowest 13 rows of each side."""
    points = np.asarray(data.of(1).imitation_inputs(60, 0))
    assert points.shape == (60, 3) and (points[:, 0] == 1).all()
    assert (points[40:, 1] <= 13).all() and (points[:40, 1] > 13).any()
    np.testing.assert_array_equal(points, data.of(1).imitation_inputs(60, 0))
    assert (points != data.of(1).imitation_inputs(60, 1)).any()
    elsewhere = dataclasses.replace(data, behaviour=Picture((3,))).of(1).imitation_inputs(1000, 0)
    # Each point is there once outside and once inside.
    assert len({tuple(row) for row in np.asarray(elsewhere)}) == 40 and len(elsewhere) == 80


def test_validation_and_test_points_are_different(data):
    validation, test = (data.of(2).examples(split) for split in ("validation", "test"))
    assert len(validation.inputs) == len(test.inputs) == 10
    assert not {*map(int, validation.inputs[:, 1])} & {*map(int, test.inputs[:, 1])}
    assert (validation.inputs[:, 0] == 2).all()


def test_probes_are_a_prefix_of_more_probes(data):
    few, many = data.probes(5), data.probes(30)
    assert few.shape == (5, 3)
    np.testing.assert_array_equal(many[:5], few)
    assert len({*map(int, many[:, 0])}) == SHAPES


def test_losses_and_scores_by_hand(behaviour):
    values, targets = jnp.array([[0.0], [0.02], [-0.5]]), jnp.array([[0.009], [0.0], [-0.5]])
    np.testing.assert_allclose(behaviour.fit_loss(values, targets), (0.009**2 + 0.02**2) / 3, rtol=1e-5)
    np.testing.assert_allclose(behaviour.score(values, targets), 2 / 3, rtol=1e-6)
    other = values + jnp.array([[0.0], [0.005], [0.1]])
    np.testing.assert_allclose(behaviour.agreement(values, other), 2 / 3, rtol=1e-6)
    np.testing.assert_allclose(behaviour.imitation_loss(values, other), (0.005**2 + 0.1**2) / 3, rtol=1e-4)


def test_an_item_for_each_shape(data):
    """Members beyond the shapes begin with the first again; each has examples of its own."""
    assert isinstance(data, Dataset) and not one_task(data) and data.items == SHAPES
    for member, shape in ((0, 0), (2, 2), (SHAPES, 0), (2 * SHAPES + 1, 1)):
        for split in ("train", "validation", "test"):
            assert (data.of(member).examples(split).inputs[:, 0] == shape).all()
    whole = data.of(1).examples("train")
    assert len(whole.inputs) == 2 * POINTS and (whole.targets[:POINTS] > 0).all() and (whole.targets[POINTS:] < 0).all()


def test_chance_is_the_best_constant(data):
    """Of distances 0.02, 0.04 … 0.2 and tolerance 0.01 a constant is right for two, as 0.03 is."""
    assert data.of(1).chance("test") == pytest.approx(2 / 10)
    values = jnp.asarray([[0.0, 0, 0, value] for value in (0.5, 0.1, 0.5, 0.105, 0.3, 0.5, 0.111, 0.5)])
    held_out = Samples(values[None, :, :3], values[None, :, 3:])
    assert data.replace(held_out=held_out).chance("validation") == pytest.approx(2 / 4)


def test_the_task_and_what_it_takes(behaviour):
    assert (
        isinstance(behaviour, Behaviour)
        and behaviour.input_shape == (3,)
        and behaviour.outputs == 1
        and behaviour.metric.name == "within_0.01"
    )
    points = behaviour.prepare(np.ones((5, 3)))
    assert points.dtype == jnp.float32 and points.shape == (5, 3)
    with pytest.raises(InputError, match=r"inputs have shape \(5, 2\); these networks take \(n, 3\)"):
        behaviour.prepare(np.ones((5, 2)))
    assert behaviour_from(describe_behaviour(behaviour)) == behaviour == SignedDistance()


def test_what_an_encoder_is_told_is_distances_and_their_soft_sign(behaviour):
    told = behaviour.describe(jnp.array([[0.0], [0.1], [-1.0]]))
    np.testing.assert_allclose(told, [0, 1, -10, 0, np.tanh(1), -1], rtol=1e-5)


def test_shapes_are_put_on_the_device_as_they_are():
    rows = [np.random.default_rng(i).normal(size=(2, 5, 3 if i == 4 else 4)).astype(np.float32) for i in range(5)]
    found = field_data(ShapeSamples(*rows))
    parts = (*found.train, found.held_out)
    for part, wanted in zip(parts, rows, strict=False):
        np.testing.assert_array_equal(np.concatenate([part.points, part.values], 2), wanted)
    np.testing.assert_array_equal(found.truth.uniform, rows[3])
    np.testing.assert_array_equal(found.truth.surface, rows[4])


def test_examples_come_in_any_number_and_from_any_side_of_one_shape(data):
    draw = jax.jit(jax.vmap(lambda key: data.of(1).example_inputs(key, 32)))
    drawn = draw(jax.random.split(jax.random.key(0), 300))
    assert (drawn.inputs[..., 0] == 1).all() and drawn.noise.shape == (300, 32, 1)
    counts = np.asarray(drawn.weight.sum(1))
    assert counts.min() == 1 and counts.max() == 32 and len({*counts.tolist()}) > 20
    assert (np.diff(drawn.weight, axis=1) <= 0).all()
    assert 0.2 < np.asarray(drawn.noise != 0).all((1, 2)).mean() < 0.4
    firsts = np.asarray(drawn.inputs[:, :4, 1])
    assert len(np.unique(firsts, axis=0)) > 200
    steps = np.diff(drawn.inputs[..., 1], axis=1)
    assert 0.1 < ((steps >= 0).all(1) | (steps <= 0).all(1)).mean() < 0.5
