"""Series in tables: a row a series, or a column a channel beside a column of times."""

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from netspace_jax.domains.fields.ts_files import Series
from netspace_jax.errors import InputError

TABLES = (".csv", ".tsv", ".parquet")
_TIMES = ("time", "timestamp", "datetime", "date", "t")
Frame = Any
"""A `pandas.DataFrame`; pandas is imported where it is used, and brings no types."""


@dataclasses.dataclass(frozen=True)
class ColumnRoles:
    """Columns of a table that are no values; empty names for none.

    Attributes:
      label: class of each series.
      time: instants; columns called time, timestamp, datetime, date or t are taken as such.
      series: names the series of each row, in a table of several series one below the other.
    """

    label: str = ""
    time: str = ""
    series: str = ""


def series_of_table(path: Path, split: str, roles: ColumnRoles) -> list[Series]:
    """The series of one table: one of each row, or where there are times, of each name in the column of names.

    Raises:
      InputError: it cannot be read, lacks a column, holds texts where numbers are needed, or one series alone.
    """
    table = _read(path, roles)
    if _time_column(table, roles) or roles.series:
        if not roles.series:
            raise InputError(
                f"{path} has times, so it is one series: name the column that says which series a row belongs to, "
                f"--zoo.series-column, one of {', '.join(table.columns[:20])}, or give a folder of such files"
            )
        groups = table.groupby(roles.series, sort=True)
        return [_long(path, f"{name}", rows.drop(columns=roles.series), split, roles) for name, rows in groups]
    labels = table.pop(roles.label).tolist() if roles.label else [None] * len(table)
    labels = [None if label is None or label != label else _text(label) for label in labels]
    names = [f"{path.stem}-{row:05d}" for row in range(len(table))]
    texts = [column for column in table.columns if not _is_number(table[column])]
    if len(texts) == 1 and texts[0] == table.columns[0] and table[texts[0]].nunique() == len(table) > 1:
        names = [str(name) for name in table.pop(texts.pop())]
    if texts:
        raise InputError(
            f"{path}: column {texts[0]!r} holds texts, as {str(table[texts[0]].dropna().iloc[0])!r}: is it the label? "
            f"--zoo.label {texts[0]}"
        )
    values = table.to_numpy(np.float64, na_value=np.nan)
    times = np.arange(values.shape[1], dtype=float)
    return [Series(*row, split) for row in zip(names, [times] * len(values), values[..., None], labels, strict=True)]


def one_series(path: Path, roles: ColumnRoles) -> Series:
    """The series of a table that is one: a column a channel, at its times or, without such a column, at equal steps.

    Raises:
      InputError: it cannot be read, lacks a column, or holds texts where numbers are needed.
    """
    return _long(path, path.stem, _read(path, roles), "", roles)


def _long(path: Path, name: str, table: Frame, split: str, roles: ColumnRoles) -> Series:
    label = None
    if roles.label:
        values = table.pop(roles.label).dropna()
        label = _text(values.iloc[0]) if len(values) else None
    time = _time_column(table, roles)
    times = _instants(path, table.pop(time)) if time else np.arange(len(table), dtype=float)
    texts = [column for column in table.columns if not _is_number(table[column])]
    if texts or not len(table.columns):
        what = f"column {texts[0]!r} holds texts: name it as --zoo.label or --zoo.time" if texts else "has no channel"
        raise InputError(f"{path}: {what}")
    order = np.argsort(times, kind="stable")
    return Series(name, times[order], table.to_numpy(np.float64, na_value=np.nan)[order], label, split)


def _time_column(table: Frame, roles: ColumnRoles) -> str:
    return roles.time or next((str(name) for name in table.columns if str(name).lower() in _TIMES), "")


def _instants(path: Path, column: Any) -> Float[np.ndarray, "n"]:
    """Times as numbers; dates in seconds.

    Raises:
      InputError: one of them is missing or neither a number nor a date.
    """
    import pandas

    if _is_number(column):
        times = column.to_numpy(np.float64, na_value=np.nan)
    else:
        dates = pandas.to_datetime(column, errors="coerce", utc=True)
        times = (dates - pandas.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(np.float64)
    if not np.isfinite(times).all():
        row = int(np.argmin(np.isfinite(times)))
        raise InputError(f"{path}: {column.iloc[row]!r} in row {row} of column {column.name!r} is no time")
    return times


def _is_number(column: Any) -> bool:
    return str(column.dtype).lower().startswith(("int", "uint", "float", "bool")) or not column.notna().any()


def _text(label: Any) -> str:
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)


def _read(path: Path, roles: ColumnRoles) -> Frame:
    """The table, its columns' names as texts; a first row of numbers is no header, and `?` a missing value.

    Raises:
      InputError: it cannot be read, has no rows, or lacks a column that is named.
    """
    suffix = path.suffix.lower()
    for library, wanted in (("pandas", True), ("pyarrow", suffix == ".parquet")):
        if wanted and importlib.util.find_spec(library) is None:
            raise InputError(f"{path}: tables are read by {library}: pip install 'netspace-jax[tables]'")
    import pandas

    try:
        if suffix == ".parquet":
            table: Any = pandas.read_parquet(path)
        else:
            separator = "\t" if suffix == ".tsv" else ","
            with path.open(encoding="utf-8-sig", errors="replace") as file:
                first = file.readline().strip().split(separator)
            header = None if all(map(_is_value, first)) else 0
            table = pandas.read_csv(path, sep=separator, header=header, na_values=["?"], skipinitialspace=True)
    except (ValueError, OSError, pandas.errors.ParserError) as error:
        raise InputError(f"{path}: not a table that can be read ({str(error).splitlines()[0]})") from error
    table.columns = [str(name).strip() for name in table.columns]
    if not len(table):
        raise InputError(f"{path}: has no rows")
    for name in filter(None, dataclasses.astuple(roles)):
        if name not in table.columns:
            raise InputError(f"{path}: has no column {name!r}; it has {', '.join(table.columns[:20])}")
    return table


def _is_value(text: str) -> bool:
    text = text.strip().strip('"')
    if text in ("", "?"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True
