"""Perceptrons whose names say their sizes."""

import pytest

from netspace_jax import architectures
from netspace_jax.errors import InputError


def test_its_name_says_its_sizes():
    built = architectures.build("mlp-32-16", (5,), 2)
    assert built.size == 6 * 32 + 33 * 16 + 17 * 2 and built.output_shape == (2,)


def test_pictures_are_refused():
    with pytest.raises(InputError, match=r"mlp-8 takes vectors.*\(4, 4, 1\)"):
        architectures.build("mlp-8", (4, 4, 1), 2)
