"""From columns of a table to the numbers that networks are given.

A column of numbers is one input, in standard deviations; where values are missing, they are its median, and one more
input says so. A column of categories is one input for each of them (1 or 0), and one for a missing value.
"""

import dataclasses
import difflib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from netspace_jax.errors import InputError

Frame = Any
"""A `pandas.DataFrame`; pandas is imported where it is used, and brings no types."""
Column = Any
"""A `pandas.Series`."""
MOST_CATEGORIES = 64
"""A column of more different texts is a name or a date, no category."""
NUMBER, MISSING, CATEGORY = "number", "missing", "category"


@dataclasses.dataclass(frozen=True)
class Encoding:
    """What each input is made of; all tuples have one entry for each input.

    Attributes:
      kinds: `number`, `category`, or `missing`: whether there is no value.
      fills: median of the column's numbers, which stands for a missing one.
      means, stds: by which the input is normalised.
    """

    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    categories: tuple[str, ...]
    fills: tuple[float, ...]
    means: tuple[float, ...]
    stds: tuple[float, ...]

    def encode(self, table: Frame) -> Float[np.ndarray, "n inputs"]:
        """The inputs of raw rows, normalised. A category that was not there when this was made is none of those known.

        Raises:
          InputError: a column is missing, or a value is no number where numbers are.
        """
        require_columns(table, dict.fromkeys(self.columns))
        made = np.zeros((len(table), len(self.columns)), np.float64)
        for place, (name, kind) in enumerate(zip(self.columns, self.kinds, strict=True)):
            if kind == NUMBER:
                values = numbers(table[name], name)
                made[:, place] = np.where(np.isnan(values), self.fills[place], values)
            elif kind == MISSING:
                made[:, place] = table[name].isna()
            else:
                made[:, place] = texts(table[name]) == self.categories[place]
        return ((made - np.asarray(self.means)) / np.asarray(self.stds)).astype(np.float32)


def fit_encoding(table: Frame, columns: Sequence[str], training: Bool[np.ndarray, "n"], where: object) -> Encoding:
    """How the columns of a table become inputs.

    Args:
      table: of all tasks; its categories, and whether values are missing, are those of all rows.
      training: rows from which medians, means and standard deviations are taken.

    Raises:
      InputError: a column has no value at all, or too many different texts.
    """
    entries: list[tuple[str, str, str, float, float, float]] = []
    for name in columns:
        column = table[name]
        missing = column.isna()
        if missing.all():
            raise InputError(f"{where}: column {name!r} has no value at all: leave it out by --zoo.inputs")
        if is_number(column):
            values = numbers(column, name)
            if not np.isfinite(values[~np.isnan(values)]).all():
                raise InputError(f"{where}: column {name!r} has a value that is not finite")
            used = values[training & ~missing.to_numpy()]
            used = used if len(used) else values[~missing.to_numpy()]
            fill = float(np.median(used))
            entries.append((name, NUMBER, "", fill, float(used.mean()), float(used.std()) or 1.0))
        else:
            different = sorted(set(texts(column[~missing])))
            if len(different) > MOST_CATEGORIES:
                raise InputError(
                    f"{where}: column {name!r} has {len(different):,} different texts, as {different[0]!r}: more than "
                    f"{MOST_CATEGORIES} are no categories; leave it out by --zoo.inputs"
                )
            entries += [(name, CATEGORY, category, 0.0, 0.0, 1.0) for category in different]
        if missing.any():
            entries.append((name, MISSING, "", 0.0, 0.0, 1.0))
    return Encoding(*zip(*entries, strict=True))  # type: ignore[arg-type]


def is_number(column: Column) -> bool:
    """Whether a column holds numbers, or truth values, which are 0 and 1."""
    return column.dtype.kind in "fiub" or str(column.dtype).lower().startswith(("int", "uint", "float", "bool"))


def numbers(column: Column, name: str) -> Float[np.ndarray, "n"]:
    """The values of a column as numbers, NaN where there are none.

    Raises:
      InputError: one is no number.
    """
    import pandas

    values: Any = pandas.to_numeric(column, errors="coerce")
    bad = column[values.isna() & column.notna()]
    if len(bad):
        raise InputError(f"column {name!r} holds numbers, and {str(bad.iloc[0])!r} is none")
    return values.to_numpy(np.float64, na_value=np.nan)


def texts(column: Column) -> Any:
    """The values of a column as texts; whole numbers that were read as 3.0 are `3`."""
    values = column.to_numpy(object, na_value=None)
    return np.array([str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in values], object)


def require_columns(table: Frame, names: Iterable[str], where: object = "the rows") -> None:
    """Refuse a table that lacks a column.

    Raises:
      InputError: names it, and the nearest ones that there are.
    """
    there = [str(name) for name in table.columns]
    for name in names:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(there[:20])}"
            raise InputError(f"{where}: no column {name!r}; {hint}")
