"""What a zoo's configuration says of training: optimizer and learning rate."""

import jax.numpy as jnp
import numpy as np
import optax

from netspace_jax.config import ZooConfig
from netspace_jax.zoo.training import make_optimizer


def steps_of(config, gradients):
    """Values of one parameter that begins at 1, after each of some gradients."""
    optimizer = make_optimizer(config)
    value = jnp.float32(1)
    state, values = optimizer.init(value), []
    for gradient in gradients:
        updates, state = optimizer.update(jnp.float32(gradient), state, value)
        value = optax.apply_updates(value, updates)
        values.append(float(value))
    return np.array(values)


def test_sgd_is_pytorchs():
    """v ← 0.9·v + (g + 5e-4·w), w ← w − lr·v, as `torch.optim.SGD` has it."""
    config = ZooConfig(optimizer="sgd", learning_rate=0.05, weight_decay=5e-4)
    w, v, expected = 1.0, 0.0, []
    for gradient in (1.0, -2.0, 0.5):
        v = 0.9 * v + gradient + 5e-4 * w
        w -= 0.05 * v
        expected.append(w)
    np.testing.assert_allclose(steps_of(config, (1.0, -2.0, 0.5)), expected, rtol=1e-6)


def test_adam_with_weight_decay_is_pytorchs():
    """g ← g + 0.1·w before the moments, as `torch.optim.Adam` has it, and not apart from them as AdamW has."""
    config = ZooConfig(optimizer="adam", learning_rate=0.05, weight_decay=0.1)
    w, m, v, expected = 1.0, 0.0, 0.0, []
    for t, gradient in enumerate((1.0, -2.0, 0.5), start=1):
        g = gradient + 0.1 * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        w -= 0.05 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        expected.append(w)
    found = steps_of(config, (1.0, -2.0, 0.5))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    without = steps_of(ZooConfig(optimizer="adam", learning_rate=0.05), (1.0, -2.0, 0.5))
    assert np.abs(found - without).max() > 1e-4


def test_the_learning_rate_is_cut_at_shares_of_the_steps():
    config = ZooConfig(learning_rate=0.01, decay=0.1, decay_at=(0.5, 0.75), steps=8)
    moved = -np.diff(steps_of(config, [1.0] * 9), prepend=1.0)
    np.testing.assert_allclose(moved, 0.01 * np.array([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.01]), rtol=1e-2)
