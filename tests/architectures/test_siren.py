"""SIREN against the reference's figures; the fast sine against NumPy's in double precision."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.architectures.siren import fast_sin
from netspace_jax.errors import InputError
from tests import parity


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


def test_values_are_the_references():
    architecture = architectures.build("siren", (3,), 1)
    assert architecture.size == 67_073
    flat = jnp.concatenate([value.reshape(-1) for value in parity.reference_parameters("siren").values()])
    values = jax.jit(architecture.apply)(flat, jnp.asarray(parity.points()))
    assert values.shape == (64, 1)
    assert parity.difference(values[:, 0], "siren/values") <= parity.TOLERANCE


@pytest.mark.parametrize(("name", "width", "frequency"), [("siren", 256, 30), ("siren64", 64, 15)])
def test_untrained_values_lie_in_the_references_ranges(name, width, frequency):
    params = jax.jit(architectures.build(name, (3,), 1).init)(jax.random.key(0))["params"]
    weight, bias = np.sqrt(6 / width) / frequency, 1 / np.sqrt(width)
    bounds = {"Linear_0": (1 / 3, 1 / np.sqrt(3)), "Linear_1": (weight, bias), "Linear_2": (weight, bias)}
    assert params.keys() == bounds.keys()
    for layer, (kernel, bias) in bounds.items():
        assert 0.8 * kernel < np.abs(params[layer]["kernel"]).max() <= kernel
        assert np.abs(params[layer]["bias"]).max() <= bias


def test_width_is_a_parameter():
    assert architectures.build("siren64", (3,), 1).size == 3 * 64 + 64 + 64 * 64 + 64 + 64 + 1


def test_images_are_refused():
    with pytest.raises(InputError, match=r"\(8, 8, 1\)"):
        architectures.build("siren", (8, 8, 1), 1)
