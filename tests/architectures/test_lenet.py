"""LeNetLike against the reference's figures and sizes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import architectures
from tests import parity


@pytest.mark.parametrize(
    ("dataset", "pixels", "outputs", "size"), [("cifar10", 32, 10, 62_006), ("tiny_imagenet", 64, 200, 79_612)]
)
def test_logits_are_the_references(dataset, pixels, outputs, size):
    architecture = architectures.build("lenetlike", (pixels, pixels, 3), outputs)
    assert architecture.size == size
    flat = jnp.concatenate(
        [value.reshape(-1) for value in parity.reference_parameters(f"{dataset}/lenetlike").values()]
    )
    logits = jax.jit(architecture.apply)(flat, jnp.asarray(parity.images(pixels, pixels)))
    assert parity.difference(logits, f"{dataset}/lenetlike/logits") <= parity.TOLERANCE


def test_digits_variant():
    architecture = architectures.build("lenetlike", (8, 8, 1), 10)
    assert architecture.size == 3_718
    variables = jax.jit(architecture.init)(jax.random.key(0))
    flat = architecture.finish(variables)
    x = jax.random.normal(jax.random.key(1), (5, 8, 8, 1))
    logits = jax.jit(architecture.apply)(flat, x)
    assert logits.shape == (5, 10)
    trained, state = jax.jit(architecture.train_apply)(variables["params"], {}, x, jax.random.key(0))
    np.testing.assert_allclose(logits, trained, rtol=1e-6, atol=1e-6)
    assert state == {}
