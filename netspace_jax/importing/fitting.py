"""From what a file holds to the parameters of an architecture: which part is the network, and under which names."""

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jaxtyping import Float

from netspace_jax.architectures import Architecture
from netspace_jax.errors import InputError
from netspace_jax.exchange import load_flax, load_network, load_torch, torch_names

_DEEPEST = 3  # levels of dicts in which a state_dict may lie


class Rename(NamedTuple):
    """A rule for names of tensors: where `old` stands as whole parts of a name, `new` stands instead."""

    old: str
    new: str

    def __call__(self, name: str) -> str:
        """The name by this rule; parts are what dots or slashes divide."""
        pattern = rf"(?:^|(?<=[./])){re.escape(self.old)}(?=[./]|$)"
        renamed = re.sub(pattern, lambda _: self.new, name, count=1)
        return renamed if self.new else re.sub(r"^[./]|(?<=[./])[./]", "", renamed)


def rules_of(texts: Iterable[str]) -> tuple[Rename, ...]:
    """Rules from texts such as `conv1.0=conv1`, or `model=` to drop a part.

    Raises:
      InputError: a text is no rule.
    """
    rules = []
    for text in texts:
        old, equals, new = text.partition("=")
        if not equals or not old.strip("./"):
            raise InputError(f"--rename {text}: a rule is OLD=NEW, as conv1.0=conv1")
        rules.append(Rename(old.strip("./"), new.strip("./")))
    return tuple(rules)


def parameters_of(found: Any, architecture: Architecture, rules: Sequence[Rename]) -> Float[np.ndarray, "size"]:
    """The network in what was read: a vector, a state_dict or Flax variables, alone or among what a training saves.

    Raises:
      InputError: none fits the architecture; the message says what differs and, where names alone do, how to rename.
    """
    if not isinstance(found, Mapping):
        return load_network(found, architecture)
    wanted = set(torch_names(architecture))
    for state in _state_dicts(found):
        renamed = _renamed(state, rules)
        known = wanted & {re.sub(r"^(module\.|_orig_mod\.)*", "", name) for name in renamed}
        if known and known != wanted:
            _refuse_with_names(state, architecture, rules)
        if known:
            return load_torch(renamed, architecture)
    if any(isinstance(value, Mapping) for value in found.values()):
        variables = _variables(found, rules)
        if {leaf.path[0] for leaf in architecture.spec.leaves} & set(variables["params"]):
            return load_flax(variables, architecture)
    for state in _state_dicts(found):
        _refuse_with_names(state, architecture, rules)
    return load_network(found, architecture)  # which says what is wrong


def _state_dicts(found: Mapping[Any, Any], depth: int = _DEEPEST) -> Iterable[Mapping[str, Any]]:
    """The dict itself and the dicts in it that hold tensors under plain names."""
    if any(isinstance(name, str) and hasattr(value, "shape") for name, value in found.items()):
        yield found
    if depth:
        inner = [value for value in found.values() if isinstance(value, Mapping)]
        yield from itertools.chain.from_iterable(_state_dicts(value, depth - 1) for value in inner)


def _renamed(tensors: Mapping[str, Any], rules: Sequence[Rename]) -> dict[str, Any]:
    renamed: dict[str, Any] = {}
    for name, tensor in tensors.items():
        new = name if isinstance(name, str) else str(name)
        for rule in rules:
            new = rule(new)
        if new in renamed:
            raise InputError(f"--rename makes {new} of two tensors")
        renamed[new] = tensor
    return renamed


def _variables(found: Mapping[str, Any], rules: Sequence[Rename]) -> dict[str, Any]:
    """Flax variables, of which a training's state keeps more: the parameters, and batch statistics if there are any."""
    while isinstance(found.get("params"), Mapping) and isinstance(found["params"].get("params"), Mapping):
        found = found["params"]
    variables = found if "params" in found else {"params": found}
    kept = {name: variables[name] for name in ("params", "batch_stats") if isinstance(variables.get(name), Mapping)}
    return {
        name: unflatten_dict(_renamed(flatten_dict(dict(tree), sep="/"), rules), sep="/") for name, tree in kept.items()
    }


def _refuse_with_names(tensors: Mapping[str, Any], architecture: Architecture, rules: Sequence[Rename]) -> None:
    """Say how to rename, where the shapes are the architecture's, one after another, and the names are others."""
    renamed, names = _renamed(tensors, rules), torch_names(architecture)
    shapes = [tuple(getattr(tensor, "shape", ())) for tensor in renamed.values()]
    if shapes != [leaf.torch_shape for leaf in architecture.spec.leaves]:
        return
    pairs = list(zip(renamed, names, strict=True))
    others = [old for old, new in pairs if old != new]
    modules = {old.rpartition(".")[0]: new.rpartition(".")[0] for old, new in pairs}
    flags = " ".join(f"'{old}={new}'" for old, new in modules.items() if old != new)
    raise InputError(
        f"has the shapes of {architecture.name} under other names ({', '.join(others[:2])}, …): --rename {flags}"
    )
