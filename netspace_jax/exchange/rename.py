"""Tensors in what a file holds, by name: of the whole tree and of each dict in it, renamed by rules."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from netspace_jax.errors import InputError

_DEEPEST = 3  # levels of dicts in which a network may lie
# Prefixes that PyTorch's and Flax's wrappers put before every name.
_WRAPPERS = ("module.", "_orig_mod.", "params.")


class Rename(NamedTuple):
    """A rule for names of tensors: where `old` stands as whole parts of a name, `new` stands instead."""

    old: str
    new: str

    def __call__(self, name: str) -> str:
        """The name by this rule; parts are what dots or slashes divide."""
        pattern = rf"(?:^|(?<=[./])){re.escape(self.old)}(?=[./]|$)"
        renamed = re.sub(pattern, lambda _: self.new, name, count=1)
        return renamed if self.new else re.sub(r"^[./]|(?<=[./])[./]", "", renamed)


def rename_rules(texts: Iterable[str]) -> tuple[Rename, ...]:
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


def named_tensors(tree: Mapping[Any, Any], rules: Iterable[Rename]) -> list[dict[str, Any]]:
    """The tree's tensors by the names on their paths, joined by dots; then those of each dict in it, outermost first.

    Prefixes of wrappers, as of `DataParallel` and `torch.compile`, and counters of batches are left out.

    Raises:
      InputError: two tensors come to the same name.
    """
    level, dicts = [tree], [tree]
    for _ in range(_DEEPEST):
        level = [child for parent in level for child in _dicts_in(parent)]
        dicts += level
    return [_named(tensors, rules) for tensors in dicts]


def _dicts_in(tree: Mapping[Any, Any]) -> list[Mapping[Any, Any]]:
    """The dicts that lie in one; a training's state holds its parameters beside averages and moments of them."""
    dicts = {name: value for name, value in tree.items() if isinstance(value, Mapping)}
    return sorted(dicts.values(), key=lambda child: child is not dicts.get("params"))


def _named(tree: Mapping[Any, Any], rules: Iterable[Rename]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, tensor in _leaves(tree):
        for rule in rules:
            name = rule(name)
        if name in named:
            raise InputError(f"two tensors are called {name}; --rename gives them other names")
        if name.rpartition(".")[2] != "num_batches_tracked":
            named[name] = tensor
    for _ in _WRAPPERS:
        for prefix in _WRAPPERS:
            if named and all(name.startswith(prefix) for name in named):
                named = {name.removeprefix(prefix): tensor for name, tensor in named.items()}
    return named


def _leaves(tree: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, child in tree.items():
        if isinstance(child, Mapping):
            yield from _leaves(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child
