"""How tests ask search objectives, and what they say by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from netspace_jax.dataset import Batch
from tests import tiny


def network(width=3):
    """A perceptron, as objectives take it."""
    flat = tiny.flats(1, width)[0]
    return lambda x: tiny.perceptron(width).apply(flat, x)


def batch_of(dataset) -> Batch:
    return dataset.sample(jax.random.key(3), jnp.int32(1), 16)


def loss_of(objective, network, step=1):
    """The loss on the images of `batch_of`, or of another step."""
    return objective.loss(network, jax.random.key(3), jnp.int32(step))


def log_probabilities(logits):
    return scipy.special.log_softmax(np.asarray(logits, np.float64), -1)
