"""Networks that compute the same with other weights: hidden units in another order."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int

from netspace_jax.architectures.architecture import Architecture
from netspace_jax.architectures.parameters import Spec

_SAME = 1e-3  # of the outputs' size: rounding, as sums run in another order


def hidden_permutation(architecture: Architecture, seed: int = 0) -> Int[np.ndarray, "size"] | None:
    """Where each parameter of a copy with permuted hidden units comes from: `flat[order]` computes what `flat` does.

    For architectures whose layers follow one another, each with weights and perhaps a bias. None for all others, such
    as residual networks, whose units cannot be permuted layer by layer; which it is, is tried out.
    """
    order = _chained(architecture.spec, np.random.default_rng(seed))
    if order is None:
        return None
    keys = jax.random.split(jax.random.key(seed))
    flat = jax.random.normal(keys[0], (architecture.size,)) / np.sqrt(architecture.size) * 4
    inputs = jax.random.normal(keys[1], (4, *architecture.input_shape))
    own, copy = jax.jit(jax.vmap(architecture.apply, (0, None)))(jnp.stack([flat, flat[order]]), inputs)
    return order if bool(jnp.abs(own - copy).max() <= _SAME * jnp.abs(own).max()) else None


def _chained(spec: Spec, random: np.random.Generator) -> Int[np.ndarray, "size"] | None:
    """The order for a chain of layers; None where shapes show that it is none."""
    parts = np.split(np.arange(spec.size), spec.offsets[1:])
    tensors = [part.reshape(leaf.torch_shape) for part, leaf in zip(parts, spec.leaves, strict=True)]
    units, found = None, []
    last = max(index for index, tensor in enumerate(tensors) if tensor.ndim > 1)
    for index, tensor in enumerate(tensors):
        if tensor.ndim > 1:
            if units is not None:
                if tensor.shape[1] % len(units):
                    return None
                # A map that was flattened channel by channel gives each channel's unit several inputs in a row.
                each = tensor.shape[1] // len(units)
                into = (units[:, None] * each + np.arange(each)).reshape(-1)
                tensor = tensor[:, into]
            units = random.permutation(len(tensor)) if index < last else np.arange(len(tensor))
            tensor = tensor[units]
        elif units is None or len(tensor) != len(units):
            return None
        else:
            tensor = tensor[units]
        found.append(tensor.reshape(-1))
    return np.concatenate(found)
