"""Networks from outside, as the flat vectors that zoos and encoders take: one reader for all that holds them."""

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.architectures.layers import BATCH_NORM_EPSILON
from netspace_jax.errors import InputError
from netspace_jax.exchange import read
from netspace_jax.exchange.flattening import flattened_channels_last
from netspace_jax.exchange.pytorch import batch_norm_names, torch_names
from netspace_jax.exchange.rename import Rename, named_tensors
from netspace_jax.exchange.tensors import finite_tensors

Tensors = Mapping[str, Any]
_NORM = ("weight", "bias", "running_mean", "running_var")
_VARIABLES = ("params.", "batch_stats.")


def load_network(source: Any, architecture: Architecture, rename: Iterable[Rename] = ()) -> Float[np.ndarray, "size"]:
    """A network from whatever holds one, as flat float32 parameters of the architecture's final form.

    Names and layouts may be PyTorch's (`torch_names`), or those of the Flax parameters, nested or joined by dots. Where
    the network lies among other things, as in what a training saves, it is found up to three dicts deep. Batch norms
    are folded: of PyTorch, into the convolution before them (one with a bias and no batch norm is taken as folded
    already); of Flax, where `batch_stats` lie beside `params`. PyTorch flattens maps with channels first; where the
    architecture does so with channels last, as plain Flax modules do, the weights after it are put in its order.
    Nothing in a file is executed.

    Args:
      source: one vector of parameters; Flax parameters or variables; a PyTorch state_dict; or the path of a file of
        tensors (safetensors, Flax's msgpack, or what `torch.save` wrote) or of an Orbax checkpoint.
      architecture: what the network is.
      rename: rules for names of tensors, applied one after another.

    Raises:
      InputError: it is none of these, cannot be read, holds several networks, or a tensor is missing, unexpected, of
        another shape, not floating point or not finite, and the message names it; or the architecture flattens maps
        in an order that is not known.
    """
    readers = networks_in(source, architecture, rename)
    if len(readers) != 1:
        raise InputError(f"{_called(source, 'the tree')} holds {len(readers)} networks, where one is read: import_zoo")
    return readers[0]()


def networks_in(
    source: Any, architecture: Architecture, rename: Iterable[Rename] = ()
) -> list[Callable[[], Float[np.ndarray, "size"]]]:
    """As `load_network`, for sources that may hold several networks: a call reads each.

    Several lie in tensors of one more axis, which is their first, as vmapped Flax parameters and
    `networks.safetensors` of a saved population have it.

    Raises:
      InputError: as `load_network`; what is wrong with the values of one network is said by its call.
    """
    tree = read.tree(Path(source)) if isinstance(source, str | os.PathLike) else source
    if not isinstance(tree, Mapping):
        return [functools.partial(_vector, tree, architecture)]
    candidates = named_tensors(tree, rename)
    tensors, naming = _best(candidates, architecture)
    shapes, where = naming.shapes(tensors), _called(source, naming.label)
    if not shapes.keys() <= tensors.keys():
        _advise(candidates, architecture, where)
    read_one = functools.partial(_flat, naming, where=where)
    count = _stacked(tensors, shapes)
    if count is None:
        return [functools.partial(read_one, tensors)]
    return [functools.partial(read_one, {name: value[row] for name, value in tensors.items()}) for row in range(count)]


def _called(source: Any, otherwise: str) -> str:
    return str(source) if isinstance(source, str | os.PathLike) else otherwise


def _vector(source: Any, architecture: Architecture) -> Float[np.ndarray, "size"]:
    if not hasattr(source, "shape") or not hasattr(source, "dtype"):
        raise InputError(f"a {type(source).__name__} is not a network: give its parameters, one vector, or a file")
    flat = np.asarray(source, np.float32)
    if flat.shape != (architecture.size,):
        raise InputError(f"{architecture.name} has {architecture.size} parameters; these have shape {flat.shape}")
    finite, spec = np.isfinite(flat), architecture.spec
    if not finite.all():
        first = int(np.argmin(finite))
        place = "/".join(spec.leaves[np.searchsorted(spec.offsets, first, "right") - 1].path)
        raise InputError(f"parameter {first} of the network is not finite (in {place})")
    return flat


class _Naming(NamedTuple):
    """How a network's tensors may be called.

    Attributes:
      label: what messages call such tensors.
      names: of the final form's parameters; those there are tell which naming it is.
      shapes: of the tensors that there have to be, seeing those there are.
      flat: the network of such tensors, which are complete and finite.
    """

    label: str
    names: Mapping[str, tuple[int, ...]]
    shapes: Callable[[Tensors], dict[str, tuple[int, ...]]]
    flat: Callable[[dict[str, np.ndarray], str], np.ndarray]


def _best(candidates: list[dict[str, Any]], architecture: Architecture) -> tuple[dict[str, Any], _Naming]:
    """The tensors that have the most of an architecture's names, and whose names they are."""
    pairs = [(tensors, naming) for tensors in candidates for naming in _namings(architecture)]
    if architecture.fold is not None:
        kept = [{k: v for k, v in tensors.items() if k.startswith(_VARIABLES)} for tensors in candidates]
        kept = [tensors for tensors in kept if any(name.startswith(_VARIABLES[1]) for name in tensors)]
        pairs += [(tensors, _trained(architecture)) for tensors in kept]

    def fit(pair: tuple[dict[str, Any], _Naming]) -> tuple[int, bool, int]:
        tensors, naming = pair
        kinds = {name.rpartition(".")[2] for name in naming.names}
        alike = sum(name.rpartition(".")[2] in kinds for name in tensors)
        return len(naming.names.keys() & tensors.keys()), all(hasattr(x, "shape") for x in tensors.values()), alike

    return max(pairs, key=fit)


def _namings(architecture: Architecture) -> tuple[_Naming, _Naming]:
    """PyTorch's names, and those of the Flax parameters."""
    leaves = architecture.spec.leaves
    torch = {name: leaf.torch_shape for name, leaf in zip(torch_names(architecture), leaves, strict=True)}
    flax = {".".join(leaf.path): leaf.shape for leaf in leaves}
    norms = batch_norm_names(architecture)

    def flat_of_torch(tensors: dict[str, np.ndarray], where: str) -> np.ndarray:
        tensors = _folded(tensors, norms, where)
        reordered = flattened_channels_last(architecture)
        for name, leaf in zip(torch, leaves, strict=True):
            if leaf.path in reordered:
                tensors[name] = reordered[leaf.path].from_torch(tensors[name])
        return np.concatenate([tensors[name].reshape(-1) for name in torch])

    def flat_of_flax(tensors: dict[str, np.ndarray], where: str) -> np.ndarray:
        parts = (tensors[name].transpose(leaf.axes) for name, leaf in zip(flax, leaves, strict=True))
        return np.concatenate([part.reshape(-1) for part in parts])

    return (
        _Naming("state_dict", torch, functools.partial(_with_norms, torch, norms), flat_of_torch),
        _Naming("variables", flax, lambda tensors: flax, flat_of_flax),
    )


def _trained(architecture: Architecture) -> _Naming:
    """Names of the Flax variables of the form that trains."""
    template: dict[str, Any] = flatten_dict(jax.eval_shape(architecture.init, jax.random.key(0)), sep=".")
    shapes = {name: leaf.shape for name, leaf in template.items()}

    def flat(tensors: dict[str, np.ndarray], where: str) -> np.ndarray:
        negative = [name for name, value in tensors.items() if name.endswith(".var") and (value < 0).any()]
        if negative:
            raise InputError(f"{where}: {negative[0]} has a value below zero")
        return np.asarray(architecture.finish(jax.tree.map(jnp.asarray, unflatten_dict(tensors, sep="."))))

    return _Naming("variables", shapes, lambda tensors: shapes, flat)


def _stacked(tensors: Tensors, shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """How many networks the tensors hold along a first axis of their own; None where they have none."""
    if tensors.keys() != shapes.keys() or not all(hasattr(tensor, "shape") for tensor in tensors.values()):
        return None
    counts = {
        tensor.shape[0] if tensor.shape and tuple(tensor.shape[1:]) == tuple(shapes[name]) else None
        for name, tensor in tensors.items()
    }
    return counts.pop() if len(counts) == 1 else None


def _flat(naming: _Naming, tensors: Tensors, where: str) -> Float[np.ndarray, "size"]:
    return naming.flat(finite_tensors(tensors, naming.shapes(tensors), where), where)


def _advise(candidates: Iterable[Tensors], architecture: Architecture, where: str) -> None:
    """Say how to rename, where the shapes are the architecture's, one after another, and the names are others.

    Raises:
      InputError: they are.
    """
    for tensors in candidates:
        shapes = [tuple(getattr(tensor, "shape", ())) for tensor in tensors.values()]
        for naming in _namings(architecture):
            if shapes != list(naming.names.values()):
                continue
            pairs = list(zip(tensors, naming.names, strict=True))
            others = [old for old, new in pairs if old != new]
            layers = {old.rpartition(".")[0]: new.rpartition(".")[0] for old, new in pairs}
            flags = " ".join(f"'{old}={new}'" for old, new in layers.items() if old != new)
            raise InputError(
                f"{where}: has the shapes of {architecture.name} under other names ({', '.join(others[:2])}, …): "
                f"--rename {flags}"
            )


def _with_norms(
    shapes: Mapping[str, tuple[int, ...]], norms: Mapping[str, str], tensors: Tensors
) -> dict[str, tuple[int, ...]]:
    """Shapes of a state_dict: a convolution's bias gives way to its batch norm, if it has one."""
    present = {layer: norm for layer, norm in norms.items() if any(f"{norm}.{part}" in tensors for part in _NORM)}
    complete = dict(shapes)
    for layer, norm in present.items():
        bias = complete[f"{layer}.bias"]
        complete |= {f"{norm}.{part}": bias for part in _NORM}
        if f"{layer}.bias" not in tensors:
            del complete[f"{layer}.bias"]
    return complete


def _folded(tensors: dict[str, np.ndarray], norms: Mapping[str, str], where: str) -> dict[str, np.ndarray]:
    """Batch norms folded into their convolutions: w·γ/√(σ²+ε), and β + (b − μ)·γ/√(σ²+ε)."""
    folded = dict(tensors)
    for layer, norm in norms.items():
        if f"{norm}.weight" not in tensors:
            continue
        gamma, beta, mean, variance = (tensors[f"{norm}.{part}"].astype(np.float64) for part in _NORM)
        if (variance < 0).any():
            raise InputError(f"{where}: {norm}.running_var has a value below zero, {variance.min():.3g}")
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
        weight = tensors[f"{layer}.weight"]
        weight = weight * scale.reshape(-1, *[1] * (weight.ndim - 1))
        bias = beta + (tensors.get(f"{layer}.bias", 0.0) - mean) * scale
        with np.errstate(over="ignore"):
            weight, bias = weight.astype(np.float32), bias.astype(np.float32)
        if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
            raise InputError(f"{where}: {norm} folded into {layer} gives values beyond float32")
        folded |= {f"{layer}.weight": weight, f"{layer}.bias": bias}
    return folded
