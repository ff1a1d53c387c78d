"""PRep: the parameters of a network as an H×W tensor (arXiv 2206.05194; docs/method.md, eq. 1).

A network's parameters are flattened in forward order, weight then bias, in PyTorch's layouts. That flat vector is
what a zoo stores; a PRep is the same vector zero-padded and cut into rows.
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Array, Float, PyTree

# Flax's (spatial…, in, out) to PyTorch's (out, in, spatial…), for linear layers and 1-D to 3-D convolutions.
_TO_TORCH = {2: (1, 0), 3: (2, 1, 0), 4: (3, 2, 0, 1), 5: (4, 3, 0, 1, 2)}


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One parameter tensor: where it stands in the tree, its shape and dtype there, its axes in PyTorch's order."""

    path: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    axes: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def fan_in(self) -> int:
        """Inputs of one unit: 1 for biases and other vectors."""
        return math.prod(self.shape[:-1]) if len(self.shape) > 1 else 1

    @property
    def torch_shape(self) -> tuple[int, ...]:
        return tuple(self.shape[axis] for axis in self.axes)


@dataclasses.dataclass(frozen=True)
class Spec:
    """Order, shapes and layouts of a network's parameters: computed once, static under jit."""

    leaves: tuple[Leaf, ...]

    @property
    def size(self) -> int:
        """Number of parameters."""
        return sum(leaf.size for leaf in self.leaves)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where each leaf starts in the flat vector."""
        sizes = [leaf.size for leaf in self.leaves]
        return tuple(sum(sizes[:i]) for i in range(len(sizes)))


def spec_of(params: PyTree) -> Spec:
    """Spec of a nested dict of arrays (or of shapes), in the order in which the dict holds them.

    Raises:
      ValueError: a leaf is not floating point of at most 32 bits, so that a PRep could not hold it exactly.
    """
    leaves = []
    for path, leaf in _by_path(params).items():
        if not jnp.issubdtype(leaf.dtype, jnp.floating) or leaf.dtype.itemsize > 4:
            raise ValueError(
                f"parameter {'/'.join(path)} is {leaf.dtype}; a PRep holds floating point of at most 32 bits"
            )
        axes = _TO_TORCH.get(len(leaf.shape)) if path[-1] == "kernel" else None
        leaves.append(Leaf(path, tuple(leaf.shape), str(leaf.dtype), axes or tuple(range(len(leaf.shape)))))
    return Spec(tuple(leaves))


def _by_path(params: PyTree) -> dict[tuple[str, ...], Any]:
    return cast(dict[tuple[str, ...], Any], flatten_dict(params))


def spec_in_forward_order(init: Callable[[], PyTree]) -> Spec:
    """Spec of the parameters that `init()` returns, in the order in which it creates them.

    A pytree that leaves a transformation has its keys sorted, so the order is noted inside, where Flax has just
    created the parameters in the order of the forward pass.
    """
    specs = []
    jax.eval_shape(lambda: specs.append(spec_of(init())))
    return specs[0]


def flatten(spec: Spec, params: PyTree) -> Float[Array, "size"]:
    """One network's parameter tree as a float32 vector in the spec's order and PyTorch's layouts.

    Raises:
      ValueError: the tree's leaves or shapes are not the spec's.
    """
    arrays, leaves = _by_path(params), {leaf.path: leaf for leaf in spec.leaves}
    if arrays.keys() != leaves.keys():
        missing, extra = (
            sorted("/".join(path) for path in paths)
            for paths in (leaves.keys() - arrays.keys(), arrays.keys() - leaves.keys())
        )
        raise ValueError(
            f"tree of {sum(array.size for array in arrays.values())} parameters does not fit the spec of "
            f"{spec.size}: missing {missing or 'none'}, unexpected {extra or 'none'}"
        )
    for path, leaf in leaves.items():
        if tuple(arrays[path].shape) != leaf.shape:
            raise ValueError(
                f"parameter {'/'.join(path)} has shape {tuple(arrays[path].shape)}, the spec says {leaf.shape}"
            )
    parts = [arrays[leaf.path].transpose(leaf.axes).reshape(-1).astype(jnp.float32) for leaf in spec.leaves]
    return jnp.concatenate([jnp.zeros(0), *parts])


def unflatten(spec: Spec, flat: Float[Array, "size"]) -> PyTree:
    """The parameter tree that `flatten` made `flat` from.

    Raises:
      ValueError: the vector's length is not the spec's.
    """
    if flat.shape != (spec.size,):
        raise ValueError(f"vector of shape {flat.shape} does not hold the {spec.size} parameters of the spec")
    arrays = {}
    for leaf, start in zip(spec.leaves, spec.offsets, strict=True):
        values = flat[start : start + leaf.size].reshape(leaf.torch_shape)
        arrays[leaf.path] = values.transpose(np.argsort(leaf.axes)).astype(leaf.dtype)
    return unflatten_dict(arrays)


def to_prep(flat: Float[Array, "size"], shape: tuple[int, int]) -> Float[Array, "h w"]:
    """A flat network as a PRep of `shape`, zero-padded at the end.

    Raises:
      ValueError: the network has more parameters than the PRep has elements.
    """
    if flat.size > math.prod(shape):
        raise ValueError(
            f"a network of {flat.size} parameters does not fit a PRep of {shape[0]}×{shape[1]} "
            f"= {math.prod(shape)} elements"
        )
    return jnp.pad(flat, (0, math.prod(shape) - flat.size)).reshape(shape)


def from_prep(prep: Float[Array, "h w"], size: int) -> Float[Array, "size"]:
    """The leading `size` values of a PRep, row by row; the rest is padding.

    Raises:
      ValueError: the PRep has fewer elements than the network has parameters.
    """
    if size > prep.size:
        raise ValueError(
            f"a PRep of {'×'.join(map(str, prep.shape))} = {prep.size} elements "
            f"does not hold a network of {size} parameters"
        )
    return prep.reshape(-1)[:size]
