"""Architectures of wider layers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.architectures import build
from netspace_jax.architectures.wider import wider
from netspace_jax.errors import InputError
from tests import tiny


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        pytest.param("lenetlike", (8, 8, 1), marks=pytest.mark.long),
        pytest.param("resnet8", (8, 8, 1), marks=pytest.mark.long),
        ("siren64", (2,)),
    ],
)
def test_ten_times_the_parameters(name, shape):
    narrow = build(name, shape, 3)
    wide = wider(narrow, 10.0)
    assert 7 < wide.size / narrow.size < 12 and wide.output_shape == narrow.output_shape
    flat = wide.finish(wide.init(jax.random.key(0)))
    assert np.isfinite(wide.apply(flat, jnp.ones((2, *shape)))).all()


def test_sines_start_as_wide_as_before():
    """Each layer's bound follows its number of inputs, but of the first, whose inputs are as many as before."""
    narrow, wide = (build("siren64", (2,), 1), wider(build("siren64", (2,), 1), 16.0))
    first, second = ([np.abs(leaf).max() for leaf in _kernels(one)] for one in (narrow, wide))
    np.testing.assert_allclose(np.array(second) / first, [1, 0.5, 0.5], rtol=0.1)


def _kernels(architecture):
    params = architecture.init(jax.random.key(0))["params"]
    return [params[leaf.path[0]]["kernel"] for leaf in architecture.spec.leaves if leaf.path[-1] == "kernel"]


def test_a_module_without_a_list_of_layers_is_refused():
    with pytest.raises(InputError, match="name a larger architecture"):
        wider(tiny.perceptron(), 10.0)
