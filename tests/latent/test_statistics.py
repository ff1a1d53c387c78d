"""Where embeddings lie, and the lines between them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from netspace_jax.latent import correlated_statistics, independent_statistics, line, statistics_around


def test_statistics_are_mean_and_deviation():
    z = jnp.array([[1.0, 0.0, 5.0], [3.0, 8.0, 5.0]])
    statistics = independent_statistics(z)
    np.testing.assert_allclose(statistics.mean, [2, 4, 5])
    np.testing.assert_allclose(statistics.deviation, [1, 4, 0.004], rtol=1e-4)
    np.testing.assert_allclose(statistics.standardise(z), [[-1, -1, 0], [1, 1, 0]], atol=1e-6)


def test_what_is_standardised_is_restored():
    statistics = independent_statistics(jax.random.normal(jax.random.key(0), (20, 7)) * jnp.arange(1.0, 8.0)[None] + 3)
    z = jax.random.normal(jax.random.key(1), (2, 5, 7))
    np.testing.assert_allclose(statistics.restore(statistics.standardise(z)), z, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(statistics.restore(statistics.standardise(z[0, 0])), z[0, 0], rtol=1e-5, atol=1e-5)


def test_what_varies_together_moves_together():
    """Embeddings on a plane of a space of five: white within it, and a thousandth of the widest is far outside it."""
    plane = np.array([[1.0, 1, 0, 0, 0], [0, 0, 1, -1, 0]]) / np.sqrt(2)
    sizes = np.array([8.0, 0.5])
    z = (np.random.default_rng(0).normal(size=(4000, 2)) * sizes) @ plane + 3
    statistics = correlated_statistics(z)
    assert statistics.axes.shape == (2, 5)
    deviations = statistics.stretch * statistics.deviation[:2]
    np.testing.assert_allclose(deviations, sizes, rtol=0.05)
    u = np.asarray(statistics.standardise(jnp.asarray(z)))
    np.testing.assert_allclose(u.mean(0), 0, atol=2e-3)
    np.testing.assert_allclose(np.cov(u @ plane.T, rowvar=False), np.eye(2), atol=2e-3)
    outside = statistics.mean + jnp.array([0.0, 0, 0, 0, 1])
    np.testing.assert_allclose(np.linalg.norm(statistics.standardise(outside)), 1000 / deviations[0], rtol=1e-3)


def test_what_is_standardised_by_the_covariance_is_restored():
    statistics = correlated_statistics(jax.random.normal(jax.random.key(0), (4, 7)) * jnp.arange(1.0, 8.0)[None] + 3)
    u = jax.random.normal(jax.random.key(1), (2, 5, 7))
    np.testing.assert_allclose(statistics.standardise(statistics.restore(u)), u, rtol=1e-2, atol=1e-2)


def test_a_line_has_equal_steps_and_both_ends():
    a, b = jnp.array([0.0, 1.0, -3.0]), jnp.array([1.0, 1.0, 5.0])
    points = line(a, b, 5)
    np.testing.assert_allclose(points, [[0, 1, -3], [0.25, 1, -1], [0.5, 1, 1], [0.75, 1, 3], [1, 1, 5]], atol=1e-6)


@pytest.fixture(scope="module")
def correlated():
    """2,000 embeddings of 4 values, correlated."""
    mix = np.array([[3.0, 0, 0, 0], [1, 1, 0, 0], [0, 0.5, 1.5, 0], [0, 0, 1, 2]])
    return np.random.default_rng(0).standard_normal((2000, 4)) @ mix.T + np.array([5.0, 0, -2, 1])


@pytest.mark.parametrize("fit", [independent_statistics, correlated_statistics])
def test_the_density_is_the_gaussians(correlated, fit):
    statistics = fit(correlated)
    covariance = np.cov(correlated.T, bias=True)
    if fit is independent_statistics:
        covariance = np.diag(np.diag(covariance))
    expected = scipy.stats.multivariate_normal(correlated.mean(0), covariance).logpdf(correlated[:20])
    np.testing.assert_allclose(statistics.log_density(jnp.asarray(correlated[:20], jnp.float32)), expected, rtol=1e-3)
    drawn = statistics.sample(jax.random.key(0), 50_000)
    np.testing.assert_allclose(drawn.mean(0), correlated.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.15)


def test_axes_carry_the_share_of_variance_asked_for(correlated):
    """Coordinates along them are white, and embeddings beside them are projected."""
    shares = np.cumsum(np.linalg.eigvalsh(np.cov(correlated.T))[::-1])
    shares /= shares[-1]
    for kept in (0.5, 0.9, 1.0):
        statistics = correlated_statistics(correlated, kept)
        assert len(statistics.axes) == int(np.searchsorted(shares, kept - 1e-9)) + 1
        coordinates = statistics.project(jnp.asarray(correlated, jnp.float32))
        np.testing.assert_allclose(np.cov(coordinates.T), np.eye(len(statistics.axes)), atol=2e-2)
        lifted = statistics.lift(coordinates)
        np.testing.assert_allclose(statistics.project(lifted), coordinates, atol=1e-2)
    np.testing.assert_allclose(lifted, correlated, atol=1e-2)


def test_around_an_embedding_its_own_values_are_the_unit():
    z = jnp.array([1.0, 3.0, 5.0])
    statistics = statistics_around(z)
    np.testing.assert_array_equal(statistics.standardise(z), 0)
    np.testing.assert_allclose(statistics.restore(jnp.ones(3)), z + jnp.std(z), rtol=1e-6)
    np.testing.assert_array_equal(statistics_around(jnp.ones(1)).restore(jnp.zeros(1)), 1)
