"""Networks from outside, as the flat vectors that zoos and encoders take."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PyTree

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.resnet import BATCH_NORM_EPSILON
from netspace_jax.errors import InputError
from netspace_jax.exchange import read
from netspace_jax.exchange.flattening import flattened_channels_last
from netspace_jax.exchange.pytorch import batch_norm_names, torch_names
from netspace_jax.exchange.tensors import checked

_NORM = ("weight", "bias", "running_mean", "running_var")
# Prefixes that PyTorch's wrappers put before every name.
_WRAPPERS = ("module.", "_orig_mod.")


def load_network(source: Any, architecture: Architecture) -> Float[np.ndarray, "size"]:
    """A network from whatever holds one, as flat float32 parameters of the architecture's final form.

    Args:
      source: one vector of parameters; Flax parameters or variables; a PyTorch state_dict; or the path of a file of
        tensors (`load_torch`), of Flax's msgpack, or of an Orbax checkpoint (`load_orbax`).
      architecture: what the network is.

    Raises:
      InputError: it is none of these, cannot be read, or does not fit the architecture.
    """
    if isinstance(source, str | os.PathLike):
        if Path(source).suffix == ".msgpack":
            return load_flax(read.tensors(Path(source)), architecture)
        return load_orbax(source, architecture) if Path(source).is_dir() else load_torch(source, architecture)
    if isinstance(source, Mapping):
        # The Flax parameters of a module of one layer are as flat as a state_dict; the names tell the two apart.
        nested = any(isinstance(value, Mapping) for value in source.values())
        own = {leaf.path[0] for leaf in architecture.spec.leaves}
        return (load_flax if nested or set(source) == own else load_torch)(source, architecture)
    if not hasattr(source, "shape") or not hasattr(source, "dtype"):
        raise InputError(f"a {type(source).__name__} is not a network: give its parameters, one vector, or a file")
    flat = np.asarray(source, np.float32)
    if flat.shape != (architecture.size,):
        raise InputError(f"{architecture.name} has {architecture.size} parameters; these have shape {flat.shape}")
    if not np.isfinite(flat).all():
        raise InputError(f"parameter {int(np.argmin(np.isfinite(flat)))} of the network is not finite")
    return flat


def load_torch(source: str | os.PathLike | Mapping[str, Any], architecture: Architecture) -> Float[np.ndarray, "size"]:
    """A network trained in PyTorch, as flat float32 parameters of the architecture's final form.

    Names and layouts are those of `torch_names`: for the built-in architectures those of the paper's code (arXiv
    2206.05194), else the Flax path joined by dots. A batch norm that comes with its convolution is folded into it; a
    convolution with a bias and no batch norm is taken as folded already. `num_batches_tracked` is ignored, and so are
    the prefixes that `DataParallel` and `torch.compile` put before all names. PyTorch flattens maps with channels
    first; where the architecture does so with channels last, as plain Flax modules do, the weights after it are put in
    its order. Nothing in a file is executed.

    Args:
      source: a `.safetensors` file, a file that `torch.save` wrote of a `state_dict`, or such a dict of tensors.
      architecture: what the network is.

    Raises:
      InputError: the file cannot be read, or a tensor is missing, unexpected, of another shape, not floating point, not
        finite, and the message names it; or the architecture flattens maps in an order that is not known.
    """
    if isinstance(source, Mapping):
        where, tensors = "state_dict", source
    else:
        where, tensors = str(source), read.tensors(Path(source))
    names = torch_names(architecture)
    tensors = _plain(tensors, names, where)
    tensors = checked(tensors, _wanted(architecture, names, tensors), where)
    tensors = _fold(architecture, tensors, where)
    turned = flattened_channels_last(architecture)
    for name, leaf in zip(names, architecture.spec.leaves, strict=True):
        if leaf.path in turned:
            tensors[name] = turned[leaf.path].from_torch(tensors[name])
    return np.concatenate([tensors[name].reshape(-1) for name in names])


def load_flax(params: PyTree, architecture: Architecture) -> Float[np.ndarray, "size"]:
    """A network's Flax parameters as the flat vector of the architecture's final form.

    Args:
      params: the parameters; or variables `{"params": …}`, which for a ResNet may be those of the form with batch
        norms, `{"params", "batch_stats"}`, and are then folded.
      architecture: what the network is.

    Raises:
      InputError: a parameter is missing, unexpected, of another shape, not floating point, not finite; the message
        names it.
    """
    if not hasattr(params, "items"):
        raise InputError(f"variables: a {type(params).__name__} is not a dict of parameters")
    variables = params if "params" in params else {"params": params}
    leaves = _leaves(variables)
    if architecture.fold is not None and "batch_stats" in variables:
        template = jax.eval_shape(architecture.init, jax.random.key(0))
        trained = checked(leaves, {name: leaf.shape for name, leaf in _leaves(template).items()}, "variables")
        negative = [name for name, value in trained.items() if name.endswith("/var") and (value < 0).any()]
        if negative:
            raise InputError(f"variables: {negative[0]} has a value below zero")
        return np.asarray(architecture.finish(jax.tree.map(jnp.asarray, _tree(trained))))
    spec = architecture.spec
    paths = ["/".join(("params", *leaf.path)) for leaf in spec.leaves]
    found = checked(leaves, {path: leaf.shape for path, leaf in zip(paths, spec.leaves, strict=True)}, "variables")
    return np.concatenate(
        [found[path].transpose(leaf.axes).reshape(-1) for path, leaf in zip(paths, spec.leaves, strict=True)]
    )


def load_orbax(directory: str | os.PathLike, architecture: Architecture) -> Float[np.ndarray, "size"]:
    """A network's Flax parameters from an Orbax checkpoint, as `export_network` writes it.

    Raises:
      InputError: the checkpoint cannot be read, or its parameters are not the architecture's.
    """
    return load_flax(read.orbax(Path(directory)), architecture)


def _plain(tensors: Mapping[str, Any], names: tuple[str, ...], source: str) -> dict[str, Any]:
    """The tensors without wrappers' prefixes and without counters of batches."""
    for name in tensors:
        if not isinstance(name, str):
            raise InputError(f"{source}: key {name!r} is not a name")
    for prefix in _WRAPPERS:
        wrapped = tensors and all(name.startswith(prefix) for name in tensors)
        if wrapped and not any(name.startswith(prefix) for name in names):
            tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    if not any(name in tensors for name in names):
        inside = [name for name, value in tensors.items() if isinstance(value, Mapping)]
        if inside:
            raise InputError(
                f"{source}: holds dicts, not tensors; give the one that is the state_dict, perhaps {inside[0]!r}"
            )
    return {name: tensor for name, tensor in tensors.items() if name.rpartition(".")[2] != "num_batches_tracked"}


def _norm_of(architecture: Architecture, layer: str, found: Mapping[str, Any]) -> str | None:
    """Name of the batch norm that `found` holds after the convolution `layer`; None without one."""
    norm = batch_norm_names(architecture).get(layer)
    return norm if norm and any(f"{norm}.{part}" in found for part in _NORM) else None


def _wanted(architecture: Architecture, names: tuple[str, ...], found: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Shapes of the tensors that make the network: a convolution's bias gives way to its batch norm, if it has one."""
    wanted = {}
    for name, leaf in zip(names, architecture.spec.leaves, strict=True):
        layer, _, kind = name.rpartition(".")
        norm = _norm_of(architecture, layer, found) if kind == "bias" else None
        if norm is None or name in found:
            wanted[name] = leaf.torch_shape
        if norm is not None:
            wanted |= {f"{norm}.{part}": leaf.torch_shape for part in _NORM}
    return wanted


def _fold(architecture: Architecture, tensors: dict[str, np.ndarray], source: str) -> dict[str, np.ndarray]:
    """Batch norms folded into their convolutions: w·γ/√(σ²+ε), and β + (b − μ)·γ/√(σ²+ε)."""
    folded = dict(tensors)
    for weight_name in tensors:
        layer, _, kind = weight_name.rpartition(".")
        norm = _norm_of(architecture, layer, tensors) if kind == "weight" else None
        if norm is None:
            continue
        gamma, beta, mean, variance = (tensors[f"{norm}.{part}"].astype(np.float64) for part in _NORM)
        if (variance < 0).any():
            raise InputError(f"{source}: {norm}.running_var has a value below zero, {variance.min():.3g}")
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        weight = tensors[weight_name] * scale.reshape(-1, *[1] * (tensors[weight_name].ndim - 1))
        bias = beta + (tensors.get(f"{layer}.bias", 0.0) - mean) * scale
        with np.errstate(over="ignore"):
            weight, bias = weight.astype(np.float32), bias.astype(np.float32)
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise InputError(f"{source}: {norm} folded into {layer} gives values beyond float32")
        folded |= {weight_name: weight, f"{layer}.bias": bias}
    return folded


def _leaves(tree: PyTree) -> dict[str, Any]:
    """Leaves of a nested mapping by their paths, names joined by slashes."""
    leaves: dict[str, Any] = {}
    for name, child in tree.items():
        if hasattr(child, "items"):
            leaves |= {f"{name}/{rest}": leaf for rest, leaf in _leaves(child).items()}
        else:
            leaves[str(name)] = child
    return leaves


def _tree(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """The nested dict whose leaves `_leaves` listed."""
    tree: dict[str, Any] = {}
    for path, leaf in leaves.items():
        *parents, last = path.split("/")
        node = tree
        for name in parents:
            node = node.setdefault(name, {})
        node[last] = leaf
    return tree
