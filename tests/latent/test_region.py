"""Where embeddings lie, and the lines between them."""

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.latent import line, region_of


def test_a_region_is_mean_and_deviation():
    z = jnp.array([[1.0, 0.0, 5.0], [3.0, 8.0, 5.0]])
    region = region_of(z)
    np.testing.assert_allclose(region.mean, [2, 4, 5])
    np.testing.assert_allclose(region.std, [1, 4, 0.004], rtol=1e-4)
    np.testing.assert_allclose(region.standardise(z), [[-1, -1, 0], [1, 1, 0]], atol=1e-6)


def test_what_is_standardised_is_restored():
    region = region_of(jax.random.normal(jax.random.key(0), (20, 7)) * jnp.arange(1.0, 8.0)[None] + 3)
    z = jax.random.normal(jax.random.key(1), (2, 5, 7))
    np.testing.assert_allclose(region.restore(region.standardise(z)), z, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(region.restore(region.standardise(z[0, 0])), z[0, 0], rtol=1e-5, atol=1e-5)


def test_a_line_has_equal_steps_and_both_ends():
    a, b = jnp.array([0.0, 1.0, -3.0]), jnp.array([1.0, 1.0, 5.0])
    points = line(a, b, 5)
    np.testing.assert_allclose(points, [[0, 1, -3], [0.25, 1, -1], [0.5, 1, 1], [0.75, 1, 3], [1, 1, 5]], atol=1e-6)
