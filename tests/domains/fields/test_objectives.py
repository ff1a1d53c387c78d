"""What searches among networks that hold shapes are for, by hand."""

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.domains.fields.objectives import Points


def loss_of(objective, network):
    return objective.loss(network, jax.random.key(3), jnp.int32(1))


def test_points_by_hand():
    objective = Points(jnp.array([[1.0, 0, 0, 0.5], [0, 2, 0, 1]]), jnp.array([[0, 0, 3.0, 1], [4, 0, 0, 4]]))

    def total(x):
        return x.sum(1, keepdims=True)

    np.testing.assert_allclose(loss_of(objective, total), (0.5**2 + 1) / 2)
    np.testing.assert_allclose(objective.score(total), -(2 + 0) / 2)


def ball(radius):
    return lambda x: jnp.linalg.norm(x, axis=1, keepdims=True) - radius


def test_points_around_the_surface_of_a_ball():
    """Its own field passes through them; one of another radius is off by the difference at each."""
    directions = jax.random.normal(jax.random.key(0), (20, 3))
    directions /= jnp.linalg.norm(directions, axis=1, keepdims=True)
    offsets = jnp.resize(jnp.array([0.0, 0.1, -0.1]), (20, 1))
    rows = jnp.concatenate([(0.6 + offsets) * directions, offsets], 1)
    objective = Points(rows[4:], rows[:4])
    np.testing.assert_allclose((loss_of(objective, ball(0.6)), objective.score(ball(0.6))), 0, atol=1e-6)
    np.testing.assert_allclose(loss_of(objective, ball(0.4)), 0.04, rtol=1e-5)
    np.testing.assert_allclose(objective.score(ball(0.4)), -0.2, rtol=1e-5)
