"""Where embeddings lie, and the lines between them."""

import jax
import jax.numpy as jnp
import numpy as np

from netspace_jax.latent import correlated_region_of, line, region_of


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


def test_what_varies_together_moves_together():
    """Embeddings on a plane of a space of five: white within it, and a thousandth of the widest is far outside it."""
    plane = np.array([[1.0, 1, 0, 0, 0], [0, 0, 1, -1, 0]]) / np.sqrt(2)
    sizes = np.array([8.0, 0.5])
    z = (np.random.default_rng(0).normal(size=(4000, 2)) * sizes) @ plane + 3
    region = correlated_region_of(z)
    assert region.axes.shape == (2, 5)
    np.testing.assert_allclose(region.std, sizes, rtol=0.05)
    u = np.asarray(region.standardise(jnp.asarray(z)))
    np.testing.assert_allclose(u.mean(0), 0, atol=2e-3)
    np.testing.assert_allclose(np.cov(u @ plane.T, rowvar=False), np.eye(2), atol=2e-3)
    outside = region.mean + jnp.array([0.0, 0, 0, 0, 1])
    np.testing.assert_allclose(np.linalg.norm(region.standardise(outside)), 1000 / region.std[0], rtol=1e-3)


def test_what_is_standardised_by_the_covariance_is_restored():
    region = correlated_region_of(jax.random.normal(jax.random.key(0), (4, 7)) * jnp.arange(1.0, 8.0)[None] + 3)
    u = jax.random.normal(jax.random.key(1), (2, 5, 7))
    np.testing.assert_allclose(region.standardise(region.restore(u)), u, rtol=1e-2, atol=1e-2)


def test_a_line_has_equal_steps_and_both_ends():
    a, b = jnp.array([0.0, 1.0, -3.0]), jnp.array([1.0, 1.0, 5.0])
    points = line(a, b, 5)
    np.testing.assert_allclose(points, [[0, 1, -3], [0.25, 1, -1], [0.5, 1, 1], [0.75, 1, 3], [1, 1, 5]], atol=1e-6)
