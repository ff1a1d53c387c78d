"""What a value of a configuration may be, said beside its field, and the one reader of what is said there.

    steps: Annotated[int, Range(1)] = 400
    min_steps: Annotated[int, Range(0), Unless("stops", "end", "paper")] = 3

A field without a rule still has its type: numbers have to be finite, and a `Literal` is one of its words.
"""

import dataclasses
import functools
import math
import sys
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from netspace_jax.errors import InputError

MOST = 2**31 - 1
"""The highest whole number that programs count to."""
MOST_SEED = 2**32 - 1


@dataclasses.dataclass(frozen=True)
class Range:
    """From `low` to `high`, both included, unless an end is open; of a tuple, what each of its numbers may be."""

    low: int | float = -math.inf
    high: int | float = math.inf
    open_low: bool = False
    open_high: bool = False

    def fault(self, value: int | float) -> str:
        """What is wrong with a value, or nothing."""
        above = self.low < value or (value == self.low and not self.open_low)
        below = value < self.high or (value == self.high and not self.open_high)
        if above and below and _is_finite(value):
            return ""
        low = f"{'more than' if self.open_low else 'at least'} {self.low:g}"
        high = f"{'less than' if self.open_high else 'at most'} {self.high:.15g}"
        known = [(low, math.isfinite(self.low)), (high, math.isfinite(self.high) and (self.high != MOST or above))]
        return f"must be {' and '.join(text for text, says in known if says) or 'a finite number'}"


def _is_finite(value: int | float) -> bool:
    return bool(abs(value) <= sys.float_info.max)  # whole numbers of any length too


POSITIVE = Range(0, open_low=True)
NOT_NEGATIVE = Range(0)
INSIDE = Range(0, 1, open_low=True, open_high=True)
SEED = Range(0, MOST_SEED)


@dataclasses.dataclass(frozen=True)
class Share:
    """A share below 1, or a whole number."""

    def fault(self, value: int | float) -> str:
        """What is wrong with a value, or nothing."""
        right = 0 <= value <= MOST and (value < 1 or value == int(value))
        return "" if right else "must be a share below 1 or a whole number"


@dataclasses.dataclass(frozen=True, init=False)
class Unless:
    """The field has no effect where another has one of some values: there it has to keep its default."""

    other: str
    values: tuple[Any, ...]

    def __init__(self, other: str, *values: Any):
        object.__setattr__(self, "other", other)
        object.__setattr__(self, "values", values)


def flag(group: str, name: str) -> str:
    """A field as its flag, `--zoo.learning-rate`; of options that have no group, `--count`."""
    return "--" + ".".join(part for part in (group, name.replace("_", "-")) if part)


def shown(value: Any) -> str:
    """A value as it is given on the command line."""
    if isinstance(value, tuple | list):
        return " ".join(map(shown, value)) or "nothing"
    return str(value)


def check_fields(config: Any, group: str) -> None:
    """Refuse a value that is against the rules of its field, or that has no effect with those of the others.

    Args:
      group: what the flags of this configuration begin with, as `zoo`; empty for none.

    Raises:
      InputError: names the flag and what it has to be.
    """
    for name, fault in faults(config):
        raise InputError(f"{flag(group, name)} {fault}, not {_short(getattr(config, name))}")
    for field in dataclasses.fields(config):
        for rule in _rules(type(config), field.name):
            if isinstance(rule, Unless) and getattr(config, rule.other) in rule.values:
                value = getattr(config, field.name)
                if value != field.default:
                    raise InputError(
                        f"{flag(group, field.name)} {shown(value)} has no effect with {flag(group, rule.other)} "
                        f"{shown(getattr(config, rule.other))}: leave it at {shown(field.default)}"
                    )


def faults(config: Any) -> Iterator[tuple[str, str]]:
    """Fields whose values are against their types or rules, and what each has to be."""
    for field in dataclasses.fields(config):
        hint = _hints(type(config)).get(field.name, Any)
        found = _fault(hint, getattr(config, field.name), ())
        if found:
            yield field.name, found


def is_bounded(config_class: type, name: str) -> bool:
    """Whether a field that holds numbers has a rule of its own; what holds none needs none."""
    hint = _hints(config_class)[name]
    numbers = any(kind in _kinds(hint) for kind in (int, float))
    return not numbers or any(hasattr(rule, "fault") for rule in _rules(config_class, name))


@functools.cache
def _hints(config_class: type) -> dict[str, Any]:
    return get_type_hints(config_class, include_extras=True)


def _rules(config_class: type, name: str) -> tuple[Any, ...]:
    return getattr(_hints(config_class).get(name), "__metadata__", ())


def _kinds(hint: Any) -> set[Any]:
    if get_origin(hint) is Annotated:
        return _kinds(get_args(hint)[0])
    if get_origin(hint) is Literal:
        return set()
    return set().union(*map(_kinds, get_args(hint))) or {hint}


def _fault(hint: Any, value: Any, rules: tuple[Any, ...]) -> str:
    """What is wrong with a value of a type; nothing of types that are not looked into."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _fault(parts[0], value, (*rules, *hint.__metadata__))
    if origin in (Union, types.UnionType):
        found = [_fault(part, value, rules) for part in parts]
        return "" if "" in found else found[0]
    if origin is Literal:
        return "" if value in parts else f"must be one of {', '.join(map(str, parts))}"
    if origin is tuple:
        if not isinstance(value, tuple):
            return "must be several values"
        kinds = parts[:1] * len(value) if parts[1:] == (...,) else parts
        if len(kinds) != len(value):
            return f"must be {len(kinds)} values"
        return next(filter(None, (_each(kind, one, rules) for kind, one in zip(kinds, value, strict=True))), "")
    if hint in (int, float):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole or (hint is float and isinstance(value, float))):
            return f"must be a {'whole ' if hint is int else ''}number"
        ranges = [rule for rule in rules if hasattr(rule, "fault")] or [Range()]
        return next(filter(None, (rule.fault(value) for rule in ranges)), "")
    if hint in (bool, str):
        return "" if isinstance(value, hint) else f"must be {'true or false' if hint is bool else 'text'}"
    return ""


def _each(kind: Any, value: Any, rules: tuple[Any, ...]) -> str:
    found = _fault(kind, value, rules)
    return found.replace("must", "must all", 1) if found else ""


def _short(value: Any) -> str:
    """Of numbers with thousands of digits, and of texts, the beginning."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of many digits"
    text = shown(value)
    return text if len(text) < 80 else f"{text[:77]}…"
