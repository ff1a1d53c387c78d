"""Networks from outside, as the flat vectors that zoos and encoders take: one reader for all that holds them."""

import functools
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.errors import InputError
from netspace_jax.exchange import read
from netspace_jax.exchange.flattening import flattened_channels_last
from netspace_jax.exchange.pytorch import batch_norm_names, leaves_in_training, torch_names
from netspace_jax.exchange.rename import Rename, named_tensors
from netspace_jax.exchange.tensors import finite_tensors

Tensors = Mapping[str, Any]
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
    where = _called(source, naming.label)
    if not naming.shapes.keys() <= tensors.keys():
        _advise(candidates, architecture, where)
    read_one = functools.partial(_flat, naming, where=where)
    count = _stacked(tensors, naming)
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
      shapes: of the tensors that there have to be.
      optional: shapes of tensors that there may be.
    """

    label: str
    shapes: Mapping[str, tuple[int, ...]]
    flat: Callable[[dict[str, np.ndarray]], np.ndarray]
    optional: Mapping[str, tuple[int, ...]] = {}


def _best(candidates: list[dict[str, Any]], architecture: Architecture) -> tuple[dict[str, Any], _Naming]:
    """The tensors that have the most of an architecture's names, and whose names they are."""
    namings = _namings(architecture)
    pairs = [(tensors, naming) for tensors in candidates for naming in namings]
    kept = [{k: v for k, v in tensors.items() if k.startswith(_VARIABLES)} for tensors in candidates]
    kept = [tensors for tensors in kept if any(name.startswith(_VARIABLES[1]) for name in tensors)]
    if kept and architecture.fold is not None:
        pairs += [(tensors, _variables(architecture)) for tensors in kept]

    def fit(pair: tuple[dict[str, Any], _Naming]) -> tuple[int, bool, int]:
        tensors, naming = pair
        kinds = {name.rpartition(".")[2] for name in naming.shapes}
        alike = sum(name.rpartition(".")[2] in kinds for name in tensors)
        return len(naming.shapes.keys() & tensors.keys()), all(hasattr(x, "shape") for x in tensors.values()), alike

    return max(pairs, key=fit)


def _namings(architecture: Architecture) -> list[_Naming]:
    """PyTorch's names, with batch norms where they are folded, and those of the Flax parameters."""
    leaves, names = architecture.spec.leaves, torch_names(architecture)

    def flat_of_torch(tensors: dict[str, np.ndarray]) -> np.ndarray:
        reordered = flattened_channels_last(architecture)
        for name, leaf in zip(names, leaves, strict=True):
            if leaf.path in reordered:
                tensors[name] = reordered[leaf.path].from_torch(tensors[name])
        return np.concatenate([tensors[name].reshape(-1) for name in names])

    def flat_of_flax(tensors: dict[str, np.ndarray]) -> np.ndarray:
        parts = (tensors[".".join(leaf.path)].transpose(leaf.axes).reshape(-1) for leaf in leaves)
        return np.concatenate(list(parts))

    torch = {name: leaf.torch_shape for name, leaf in zip(names, leaves, strict=True)}
    flax = {".".join(leaf.path): leaf.shape for leaf in leaves}
    namings = [_Naming("state_dict", torch, flat_of_torch), _Naming("variables", flax, flat_of_flax)]
    return [*namings, _state_dict(architecture)] if batch_norm_names(architecture) else namings


def _state_dict(architecture: Architecture) -> _Naming:
    """PyTorch's names in training; a convolution before a batch norm may have a bias there, which shifts the mean."""
    leaves = leaves_in_training(architecture)
    means = {f"{layer}.bias": f"{norm}.running_mean" for layer, norm in batch_norm_names(architecture).items()}

    def flat(tensors: dict[str, np.ndarray]) -> np.ndarray:
        for bias in means.keys() & tensors.keys():
            tensors[means[bias]] = tensors[means[bias]] - tensors[bias]
        arrays = {leaf.path: tensors[name].transpose(np.argsort(leaf.axes)) for name, leaf in leaves.items()}
        return _finished(architecture, arrays)

    shapes = {name: leaf.torch_shape for name, leaf in leaves.items()}
    return _Naming("state_dict", shapes, flat, {bias: shapes[mean] for bias, mean in means.items()})


def _variables(architecture: Architecture) -> _Naming:
    """Names of the Flax variables of the form that trains."""
    template: dict[str, Any] = flatten_dict(jax.eval_shape(architecture.init, jax.random.key(0)), sep=".")
    shapes = {name: leaf.shape for name, leaf in template.items()}
    return _Naming(
        "variables",
        shapes,
        lambda tensors: _finished(architecture, {tuple(name.split(".")): value for name, value in tensors.items()}),
    )


def _finished(architecture: Architecture, variables: Mapping[tuple[str, ...], np.ndarray]) -> np.ndarray:
    """The final form of a network that trained, its batch norms folded."""
    arrays = {path: jnp.asarray(values) for path, values in variables.items()}
    return _vector(architecture.finish(unflatten_dict(arrays)), architecture)


def _stacked(tensors: Tensors, naming: _Naming) -> int | None:
    """How many networks the tensors hold along a first axis of their own; None where they have none."""
    if tensors.keys() != naming.shapes.keys() or not all(hasattr(tensor, "shape") for tensor in tensors.values()):
        return None
    counts = {
        tensor.shape[0] if tensor.shape and tuple(tensor.shape[1:]) == tuple(naming.shapes[name]) else None
        for name, tensor in tensors.items()
    }
    return counts.pop() if len(counts) == 1 else None


def _flat(naming: _Naming, tensors: Tensors, where: str) -> Float[np.ndarray, "size"]:
    shapes = {**naming.shapes, **{name: shape for name, shape in naming.optional.items() if name in tensors}}
    finite = finite_tensors(tensors, shapes, where)
    for name, values in finite.items():
        if re.fullmatch(r".*\.running_var|batch_stats\..*\.var", name) and (values < 0).any():
            raise InputError(f"{where}: {name} has a value below zero, {values.min():.3g}")
    try:
        return naming.flat(finite)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _advise(candidates: Iterable[Tensors], architecture: Architecture, where: str) -> None:
    """Say how to rename, where the shapes are the architecture's, one after another, and the names are others.

    Raises:
      InputError: they are.
    """
    for tensors in candidates:
        shapes = [tuple(getattr(tensor, "shape", ())) for tensor in tensors.values()]
        for naming in _namings(architecture):
            if shapes != list(naming.shapes.values()):
                continue
            pairs = list(zip(tensors, naming.shapes, strict=True))
            others = [old for old, new in pairs if old != new]
            layers = {old.rpartition(".")[0]: new.rpartition(".")[0] for old, new in pairs}
            flags = " ".join(f"'{old}={new}'" for old, new in layers.items() if old != new)
            raise InputError(
                f"{where}: has the shapes of {architecture.name} under other names ({', '.join(others[:2])}, …): "
                f"--rename {flags}"
            )
