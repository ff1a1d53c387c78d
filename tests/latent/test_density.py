"""Embeddings drawn from densities of real ones."""

import jax
import numpy as np
import pytest

from netspace_jax.latent import fit_kernel, fit_mixture


def draw(density, seed, count):
    return density.sample(jax.random.key(seed), count)


@pytest.fixture(scope="module")
def correlated():
    """400 embeddings of 4 dimensions, and their mean and covariance."""
    rng = np.random.default_rng(0)
    mix = np.array([[3.0, 0, 0, 0], [1, 1, 0, 0], [0, 0.5, 1.5, 0], [0, 0, 1, 2]])
    z = (rng.standard_normal((400, 4)) @ mix.T + np.array([5.0, 0, -2, 1])).astype(np.float32)
    return z, z.mean(0), np.cov(z.T, bias=True)


@pytest.mark.parametrize("fit", [fit_mixture, fit_kernel])
def test_samples_have_mean_and_covariance_of_what_was_fitted(correlated, fit):
    """A kernel density has its bandwidth squared more in each direction, in standard deviations."""
    z, mean, covariance = correlated
    std = np.sqrt(np.diag(covariance))
    extra = 400 ** (-2 / 8) if fit is fit_kernel else 0.0
    drawn = (np.asarray(draw(fit(z), 3, 40_000)) - mean) / std
    assert drawn.shape == (40_000, 4)
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), covariance / np.outer(std, std) + extra * np.eye(4), atol=0.08)


@pytest.mark.parametrize("fit", [fit_mixture, fit_kernel])
def test_one_seed_draws_one_draw(correlated, fit):
    first, again, other = (draw(fit(correlated[0]), seed, 5) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any(1).all()


@pytest.mark.parametrize("fit", [fit_mixture, fit_kernel])
def test_samples_lie_in_the_directions_of_real_embeddings(fit):
    """A plane in nine dimensions."""
    rng = np.random.default_rng(1)
    plane = rng.standard_normal((2, 9))
    drawn = np.asarray(draw(fit((rng.standard_normal((50, 2)) @ plane + 1).astype(np.float32)), 0, 100)) - 1
    outside = drawn - drawn @ np.linalg.pinv(plane) @ plane
    assert np.abs(outside).max() < 1e-3 and np.linalg.matrix_rank(drawn, 1e-2) == 2


def test_a_mixture_has_nothing_between_two_groups():
    rng = np.random.default_rng(2)
    z = (0.1 * rng.standard_normal((80, 3)) + np.where(np.arange(80) % 4 == 0, 5.0, -5.0)[:, None]).astype(np.float32)
    drawn = np.asarray(draw(fit_mixture(z), 0, 2000))
    assert (np.abs(np.abs(drawn) - 5) < 2).all()
    np.testing.assert_allclose((drawn[:, 0] > 0).mean(), 0.25, atol=0.04)


def test_draws_come_in_random_order():
    """The first few of many are not of one group."""
    rng = np.random.default_rng(2)
    groups = np.repeat([-5.0, 5.0], 40)
    z = (0.1 * rng.standard_normal((80, 3)) + groups[:, None]).astype(np.float32)
    first = np.asarray(draw(fit_mixture(z), 0, 64))[:16, 0] > 0
    assert 2 < first.sum() < 14
    traced = jax.jit(lambda density, key: density.sample(key, 16))(fit_mixture(z), jax.random.key(1))
    assert traced.shape == (16, 3)
