"""Reading a network by its outputs at K coordinates that are learned (ProbeGen, Kahana et al. 2024)."""

import functools
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from netspace_jax.architectures import Architecture
from netspace_jax.latent import Schedule, minimise
from netspace_jax.ops.keys import Purpose, key_of
from netspace_jax.ops.mapping import Rows, batched

STEPS, BATCH, HIDDEN = 1000, 64, 128
RATE = 3e-3
_ADAMW = optax.chain(optax.scale_by_adam(), optax.add_decayed_weights(1e-3))


class _Reader(nn.Module):
    """A perceptron of one hidden layer."""

    classes: int

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.classes)(nn.relu(nn.LayerNorm()(nn.Dense(HIDDEN)(x))))


def probe_accuracy(
    architecture: Architecture,
    flats: Float[Rows, "network size"],
    labels: Int[Rows, "network"],
    test: Float[Rows, "tested size"],
    test_labels: Int[Rows, "tested"],
    *,
    probes: int,
    seed: int = 0,
) -> float:
    """Test accuracy of a perceptron that is trained together with the coordinates at which it asks networks."""
    classes = int(np.max(labels)) + 1
    schedule = Schedule(np.int32(STEPS), np.float32(RATE))
    trained = _trained(architecture, jnp.asarray(flats), jnp.asarray(labels), schedule, classes, probes, seed)
    named = _named(test, architecture, trained, classes=classes)
    return float((np.asarray(named) == np.asarray(test_labels)).mean())


def _logits(architecture: Architecture, params, flats: Float[Array, "network size"], classes: int):
    outputs = jax.vmap(lambda flat: architecture.apply(flat, params["probes"]).reshape(-1))(flats)
    # One array: Flax returns a tuple only where collections are mutable.
    return cast(Array, _Reader(classes).apply({"params": params["reader"]}, outputs))


@functools.partial(batched, static=("classes",))
def _named(flat, architecture, params, classes):
    return _logits(architecture, params, flat[None], classes)[0].argmax()


@functools.partial(jax.jit, static_argnames=("architecture", "classes", "probes", "seed"))
def _trained(architecture, flats, labels, schedule, classes, probes, seed):
    key = key_of(seed, Purpose.INIT)
    points = jax.random.uniform(key, (probes, *architecture.input_shape), minval=-1, maxval=1)
    outputs = jax.eval_shape(architecture.apply, flats[0], points)
    reader = _Reader(classes).init(jax.random.fold_in(key, 1), jnp.zeros((1, outputs.size)))["params"]

    def loss(params, key, step):
        rows = jax.random.randint(jax.random.fold_in(key, step), (BATCH,), 0, len(flats))
        logits = _logits(architecture, params, flats[rows], classes)
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels[rows]).mean()

    params = {"probes": points, "reader": reader}
    return minimise(loss, params, key_of(seed, Purpose.BATCHES), schedule, optimizer=_ADAMW).last
