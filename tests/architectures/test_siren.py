"""SIREN against the reference's figures."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.architectures.chain import words
from netspace_jax.errors import InputError
from tests import parity


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


def test_a_name_says_widths_and_frequency():
    architecture = architectures.build("siren-32-32-w30", (2,), 1)
    assert architecture.size == 1185 and "sin(30·x)" in words(architecture.module.layer_list)  # type: ignore[attr-defined]
    assert architectures.build("siren-8-4-2-w7.5", (3,), 5).size == 3 * 8 + 8 + 8 * 4 + 4 + 4 * 2 + 2 + 2 * 5 + 5
    assert "siren-WIDTH-…-wOMEGA" in architectures.names()
    for name in ("siren-0-w30", "siren-w30", "siren-8", "siren-8-w"):
        with pytest.raises(InputError, match="unknown architecture"):
            architectures.build(name, (2,), 1)
