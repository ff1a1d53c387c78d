"""The fast sine against NumPy's in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.ops.sine import fast_sin


@pytest.fixture(scope="module")
def arguments():
    drawn = np.random.RandomState(0).uniform(-500, 500, 1_000_000)
    multiples = np.arange(-318, 319) * np.pi / 2
    return np.concatenate([drawn, multiples, np.linspace(-4, 4, 10_001)]).astype(np.float32)


def test_fast_sin_is_the_sine(arguments):
    error = np.abs(np.asarray(jax.jit(fast_sin)(arguments), np.float64) - np.sin(arguments.astype(np.float64)))
    assert error.max() <= 1e-6


def test_fast_sin_holds_up_to_ten_thousand(arguments):
    far = 20 * arguments
    error = np.abs(np.asarray(jax.jit(fast_sin)(far), np.float64) - np.sin(far.astype(np.float64)))
    assert error.max() <= 1e-6


def test_derivatives_of_fast_sin(arguments):
    """Reverse and forward mode give the cosine, the second derivative minus the sine, under jit and without."""
    exact = arguments.astype(np.float64)
    reverse = jax.jit(jax.grad(lambda x: fast_sin(x).sum()))(arguments)
    _, forward = jax.jvp(fast_sin, (jnp.asarray(arguments),), (jnp.ones(arguments.shape),))
    second = jax.jit(jax.vmap(jax.grad(jax.grad(fast_sin))))(arguments)
    assert np.abs(reverse - np.cos(exact)).max() <= 1e-6
    assert np.abs(forward - np.cos(exact)).max() <= 1e-6
    assert np.abs(second + np.sin(exact)).max() <= 5e-6


def test_fast_sin_shows_non_finite_arguments():
    assert np.isnan(fast_sin(jnp.array([jnp.nan, jnp.inf, -jnp.inf]))).all()
