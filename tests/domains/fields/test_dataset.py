"""Fields as a task: points of the network's own shape, half outside and half inside."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.domains.fields.dataset import Fields

SHAPES, POINTS = 3, 40


@pytest.fixture(scope="module")
def task():
    """Rows x, y, z, distance, in which x is the shape, y counts the rows and the sign says which side."""
    def rows(sign, count):
        table = np.zeros((SHAPES, count, 4), np.float32)
        table[..., 0] = np.arange(SHAPES)[:, None]
        table[..., 1] = np.arange(count)
        table[..., 3] = sign * (1 + np.arange(count)) / 100
        return jnp.asarray(table)

    return Fields(positive=rows(1, POINTS), negative=rows(-1, POINTS), held_out=rows(1, 20), uniform=rows(1, 10),
                  surface=rows(1, 10)[..., :3])


def test_batches_are_half_outside_and_half_inside_the_networks_shape(task):
    sample = jax.jit(jax.vmap(lambda key, item, step: task.sample(key, item, step, 16), (0, 0, None)))
    batch = sample(jax.random.split(jax.random.key(0), SHAPES), jnp.arange(SHAPES), jnp.int32(3))
    assert batch.inputs.shape == (SHAPES, 16, 3) and batch.targets.shape == (SHAPES, 16)
    np.testing.assert_array_equal(batch.inputs[..., 0], np.repeat(np.arange(SHAPES), 16).reshape(SHAPES, 16))
    assert (batch.targets[:, :8] > 0).all() and (batch.targets[:, 8:] < 0).all()
    np.testing.assert_allclose(np.abs(batch.targets), (1 + batch.inputs[..., 1]) / 100, rtol=1e-6)


def test_steps_draw_other_points_and_reach_all(task):
    sample = jax.jit(lambda step: task.sample(jax.random.key(0), jnp.int32(1), step, 16).inputs[:8, 1])
    seen = [tuple(np.asarray(sample(step)).astype(int)) for step in range(200)]
    assert len({*seen}) > 20
    assert set().union(*seen) == set(range(POINTS))


def test_validation_and_test_points_are_different(task):
    validation, test = (task.examples(split, jnp.int32(2)) for split in ("validation", "test"))
    assert len(validation.inputs) == len(test.inputs) == 10
    assert not {*map(int, validation.inputs[:, 1])} & {*map(int, test.inputs[:, 1])}
    assert (validation.inputs[:, 0] == 2).all()


def test_probes_are_a_prefix_of_more_probes(task):
    few, many = task.probes(5), task.probes(30)
    assert few.shape == (5, 3)
    np.testing.assert_array_equal(many[:5], few)
    assert len({*map(int, many[:, 0])}) == SHAPES


def test_losses_and_scores_by_hand(task):
    values, targets = jnp.array([[0.0], [0.02], [-0.5]]), jnp.array([0.009, 0.0, -0.5])
    np.testing.assert_allclose(task.fit_loss(values, targets), (0.009 ** 2 + 0.02 ** 2) / 3, rtol=1e-5)
    np.testing.assert_allclose(task.score(values, targets), 2 / 3, rtol=1e-6)
    other = values + jnp.array([[0.0], [0.005], [0.1]])
    np.testing.assert_allclose(task.agreement(values, other), 2 / 3, rtol=1e-6)
    np.testing.assert_allclose(task.imitation_loss(values, other, 4.0), (0.005 ** 2 + 0.1 ** 2) / 3, rtol=1e-4)


def test_an_item_for_each_shape(task):
    assert task.items == SHAPES and task.input_shape == (3,) and task.outputs == 1
