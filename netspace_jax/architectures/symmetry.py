"""Networks that compute the same with other weights: hidden units in another order."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from netspace_jax.architectures.architecture import Architecture
from netspace_jax.architectures.parameters import Spec

_ROUNDING = 1e-3  # of the outputs' size, as sums run in another order


def permuted_copies(
    architecture: Architecture, flats: Float[Array | np.ndarray, "network size"], seed: int = 0
) -> Float[np.ndarray, "network size"] | None:
    """Copies of networks, each with the units of every hidden layer in a random order of its own: the same functions.

    For architectures whose layers follow one another, each with weights and perhaps a bias. None for all others, such
    as residual networks, whose units cannot be permuted layer by layer; which it is, is tried out.
    """
    orders = _orders(architecture.spec, np.random.default_rng(seed), len(flats))
    if orders is None:
        return None
    keys = jax.random.split(jax.random.key(seed))
    flat = jax.random.normal(keys[0], (architecture.size,)) / np.sqrt(architecture.size) * 4
    inputs = jax.random.normal(keys[1], (4, *architecture.input_shape))
    outputs, of_copy = jax.jit(jax.vmap(architecture.apply, (0, None)))(jnp.stack([flat, flat[orders[0]]]), inputs)
    same = jnp.abs(outputs - of_copy).max() <= _ROUNDING * jnp.abs(outputs).max()
    return np.take_along_axis(np.asarray(flats), orders, 1) if same else None


def _orders(spec: Spec, random: np.random.Generator, count: int) -> Int[np.ndarray, "network size"] | None:
    """Where each parameter of each copy comes from; None where shapes show that layers do not follow one another."""
    parts = np.split(np.arange(spec.size), spec.offsets[1:])
    last = max(index for index, leaf in enumerate(spec.leaves) if len(leaf.shape) > 1)
    units, orders = None, []
    for index, (part, leaf) in enumerate(zip(parts, spec.leaves, strict=True)):
        order = np.broadcast_to(part.reshape(leaf.torch_shape), (count, *leaf.torch_shape))
        if len(leaf.shape) > 1:
            if units is not None:
                if order.shape[2] % units.shape[1]:
                    return None
                # A map that was flattened channel by channel gives each channel's unit several inputs in a row.
                inputs = order.shape[2] // units.shape[1]
                into = (units[:, :, None] * inputs + np.arange(inputs)).reshape(count, -1)
                order = _taken(order, into, 2)
            width = order.shape[1]
            units = (
                np.argsort(random.random((count, width)), 1) if index < last else np.tile(np.arange(width), (count, 1))
            )
        elif units is None or order.shape[1:] != units.shape[1:]:
            return None
        orders.append(_taken(order, units, 1).reshape(count, -1))
    return np.concatenate(orders, 1)


def _taken(
    values: Int[np.ndarray, "network *tensor"], units: Int[np.ndarray, "network unit"], axis: int
) -> Int[np.ndarray, "network *tensor"]:
    """Each network's values in its order of units along an axis."""
    shape = [len(units), *(-1 if place == axis else 1 for place in range(1, values.ndim))]
    return np.take_along_axis(values, units.reshape(shape), axis)
