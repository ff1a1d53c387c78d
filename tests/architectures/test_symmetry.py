"""Copies with permuted hidden units."""

import jax
import numpy as np
import pytest

from netspace_jax import architectures
from netspace_jax.architectures import permuted_copies
from tests import tiny


@pytest.mark.parametrize(
    "built",
    [
        tiny.perceptron(6),
        architectures.build("lenetlike", (8, 8, 1), 10),
        architectures.build("siren-7-5-w9", (2,), 3),
    ],
    ids=lambda a: a.name,
)
def test_permuted_copies_compute_the_same_with_other_weights(built):
    flats = 0.3 * jax.random.normal(jax.random.key(0), (3, built.size))
    copies = permuted_copies(built, flats, seed=1)
    assert copies is not None
    np.testing.assert_array_equal(np.sort(copies, 1), np.sort(flats, 1))
    assert ((copies != flats).mean(1) > 0.4).all()
    inputs = jax.random.normal(jax.random.key(1), (5, *built.input_shape))
    apply = jax.jit(jax.vmap(built.apply, (0, None)))
    np.testing.assert_allclose(apply(jax.numpy.asarray(copies), inputs), apply(flats, inputs), rtol=1e-3, atol=1e-5)


def test_each_copy_has_an_order_of_its_own():
    built = architectures.build("siren-7-5-w9", (2,), 3)
    flats = np.tile(np.arange(built.size, dtype=np.float32), (2, 1))
    first, second = permuted_copies(built, flats)  # type: ignore[misc]
    assert (first != second).any()


def test_residual_networks_have_no_such_copies():
    built = architectures.build("resnet8", (8, 8, 1), 4)
    assert permuted_copies(built, np.zeros((1, built.size), np.float32)) is None
