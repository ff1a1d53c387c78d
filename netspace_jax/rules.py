"""What a value of a configuration may be, said in its type, and checked by pydantic.

    steps: Count = 400
    min_steps: Annotated[Natural, Unless("stops", "end", "paper")] = 3

Numbers have to be finite and of their type: no text and no truth value stands for a number.
"""

import dataclasses
import functools
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_type_hints

from annotated_types import Interval
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, create_model

from netspace_jax.errors import InputError

# Of pydantic's messages, and as people say it.
_WORDS = {
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
    "greater than": "more than",
    "valid integer": "whole number",
}
Config = TypeVar("Config")

MOST = 2**31 - 1
"""The highest whole number that programs count to."""

Natural = Annotated[int, Interval(ge=0, le=MOST)]
Count = Annotated[int, Interval(ge=1, le=MOST)]
Seed = Annotated[int, Interval(ge=0, le=2**32 - 1)]
Positive = Annotated[float, Interval(gt=0)]
NotNegative = Annotated[float, Interval(ge=0)]
Fraction = Annotated[float, Interval(ge=0, le=1)]
Inside = Annotated[float, Interval(gt=0, lt=1)]


def _share(value: float) -> float:
    if not (0 <= value <= MOST and (value < 1 or value == int(value))):
        raise ValueError("be a share below 1 or a whole number")
    return value


Share = Annotated[float, AfterValidator(_share)]
"""A share below 1, or a whole number."""


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


def as_given(value: Any) -> str:
    """A value as it is given on the command line."""
    if isinstance(value, tuple | list):
        return " ".join(map(as_given, value)) or "nothing"
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
    hints = get_type_hints(type(config), include_extras=True)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        for rule in getattr(hints[field.name], "__metadata__", ()):
            if isinstance(rule, Unless) and getattr(config, rule.other) in rule.values and value != field.default:
                raise InputError(
                    f"{flag(group, field.name)} {as_given(value)} has no effect with {flag(group, rule.other)} "
                    f"{as_given(getattr(config, rule.other))}: leave it at {as_given(field.default)}"
                )


def faults(config: Any) -> Iterator[tuple[str, str]]:
    """Fields whose values are against their types or rules, and what each has to be."""
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    try:
        _model(type(config))(**values)
    except ValidationError as error:
        yield from _faults(error)


def rebuild(config_class: type[Config], values: Any) -> Config:
    """A configuration from the dict that JSON holds of it; fields that are not named there have their defaults.

    Raises:
      TypeError: a field is unknown, or against its type or its rule.
    """
    if not isinstance(values, dict):
        raise TypeError(f"{type(values).__name__} where fields and their values belong")
    try:
        model = _model(config_class).model_validate_json(json.dumps(values))
    except ValidationError as error:
        name, fault = next(_faults(error))
        raise TypeError(f"{name} {fault}".strip()) from error
    return config_class(**{name: getattr(model, name) for name in model.model_fields_set})


@functools.cache
def _model(config_class: type) -> type[BaseModel]:
    """The fields of a configuration for pydantic, which is stricter with models than with dataclasses of Python's."""
    hints = get_type_hints(config_class, include_extras=True)
    fields: dict[str, Any] = {field.name: (hints[field.name], None) for field in dataclasses.fields(config_class)}
    config = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid", arbitrary_types_allowed=True)
    return create_model(config_class.__name__, __config__=config, **fields)


def _faults(error: ValidationError) -> Iterator[tuple[str, str]]:
    for fault in error.errors(include_url=False, include_input=False):
        message = re.sub(r"^Value error, |^(Input|Tuple) should ", "", fault["msg"])
        for theirs, ours in _WORDS.items():
            message = message.replace(theirs, ours)
        yield str(next(iter(fault["loc"]), "")), f"must {message}"


def _short(value: Any) -> str:
    """Of numbers with thousands of digits, and of texts, the beginning."""
    if isinstance(value, int) and value.bit_length() > 200:
        return "a number of many digits"
    text = as_given(value)
    return text if len(text) < 80 else f"{text[:77]}…"
