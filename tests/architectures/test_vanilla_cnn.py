"""VanillaCNN against the reference's figures and sizes."""

import jax
import jax.numpy as jnp
import pytest

from netspace_jax import architectures
from tests import parity


@pytest.mark.parametrize(
    ("dataset", "pixels", "outputs", "size"), [("cifar10", 32, 10, 68_818), ("tiny_imagenet", 64, 200, 112_856)]
)
def test_logits_are_the_references(dataset, pixels, outputs, size):
    architecture = architectures.build("vanilla_cnn", (pixels, pixels, 3), outputs)
    assert architecture.size == size
    parameters = parity.reference_parameters(f"{dataset}/vanilla_cnn")
    flat = jnp.concatenate([value.reshape(-1) for value in parameters.values()])
    logits = jax.jit(architecture.apply)(flat, jnp.asarray(parity.images(pixels, pixels)))
    assert parity.difference(logits, f"{dataset}/vanilla_cnn/logits") <= parity.TOLERANCE


@pytest.mark.parametrize("shape", [(8, 8, 1), (23, 20, 3)])
def test_small_images_get_a_small_network(shape):
    architecture = architectures.build("vanilla_cnn", shape, 10)
    flat = 0.1 * jax.random.normal(jax.random.key(0), (architecture.size,))
    logits = jax.jit(architecture.apply)(flat, jax.random.normal(jax.random.key(1), (5, *shape)))
    assert logits.shape == (5, 10)
    assert architecture.size < 10_000


def test_digits_variant_has_about_4000_parameters():
    assert architectures.build("vanilla_cnn", (8, 8, 1), 10).size == 3_650
