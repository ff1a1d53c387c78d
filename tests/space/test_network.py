"""A network that came out of a space, ready to use."""

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.errors import InputError


@pytest.fixture(scope="module")
def network(space):
    return space.decode(space.embeddings["perceptron4"][0], "perceptron4")


def test_pixels_are_normalised_as_in_training(network, data):
    x = np.asarray(data.test.x)
    normalised = data.examples("test").inputs
    np.testing.assert_array_equal(network(x), network(normalised))
    np.testing.assert_array_equal(network(jnp.asarray(x)), network(normalised))
    np.testing.assert_allclose(network(x), network.architecture.apply(network.flat, normalised), rtol=1e-5, atol=1e-5)
    assert network(x).shape == (40, 4)


def test_floats_that_look_like_pixels_are_refused(network, data):
    with pytest.raises(InputError, match="not normalised"):
        network(np.asarray(data.test.x) / np.float32(255))


def test_images_of_another_shape_are_refused(network):
    with pytest.raises(InputError, match=r"images have shape \(2, 5, 4, 1\)"):
        network(np.zeros((2, 5, 4, 1), np.uint8))


def test_its_parameters_are_flaxs_and_it_says_what_it_is(network, data):
    images = data.examples("test").inputs
    expected = network.architecture.module.apply({"params": network.params}, images)
    np.testing.assert_allclose(network(images), expected, rtol=1e-5, atol=1e-5)
    assert repr(network) == "Network(perceptron4, 88 parameters)"
