"""Copies with permuted hidden units."""

import jax
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.architectures import hidden_permutation
from tests import tiny


@pytest.mark.parametrize(
    "built", [tiny.perceptron(6), architectures.build("lenetlike", (8, 8, 1), 10)], ids=lambda a: a.name
)
def test_a_permuted_copy_computes_the_same_with_other_weights(built):
    order = hidden_permutation(built, seed=1)
    assert sorted(order) == list(range(built.size)) and (order != np.arange(built.size)).mean() > 0.5
    flat = 0.3 * jax.random.normal(jax.random.key(0), (built.size,))
    inputs = jax.random.normal(jax.random.key(1), (5, *built.input_shape))
    np.testing.assert_allclose(built.apply(flat[order], inputs), built.apply(flat, inputs), rtol=1e-3, atol=1e-5)


def test_residual_networks_have_no_such_copy():
    assert hidden_permutation(architectures.build("resnet8", (8, 8, 1), 4)) is None
