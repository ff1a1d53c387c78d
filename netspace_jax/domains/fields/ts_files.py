"""Series in the UCR and UEA archives' format, `.ts`: a header that says what each line holds, then a series a line."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from netspace_jax.errors import InputError

_OUTSIDE_BRACKETS = re.compile(r":(?![^(]*\))")  # colons part channels, but not hours from minutes in (time,value)
_PAIR = re.compile(r"\(([^(]*),([^(),]*)\)")
_SWITCHES = ("targetlabel", "classlabel", "timestamps")


class Series(NamedTuple):
    """One series as a file has it.

    Attributes:
      name: what messages and tables call it.
      times: since the file's own origin, in seconds where the file has dates, in steps where it has no times.
      values: NaN where a value is missing.
      label: its class or number; None where nobody says it.
      split: `train` or `test` where the data says it.
    """

    name: str
    times: Float[np.ndarray, "n"]
    values: Float[np.ndarray, "n channels"]
    label: str | float | None = None
    split: str = ""


def read_ts(path: Path, split: str) -> Iterator[Series]:
    """The series of a file.

    By its header the last part of a line is a real number (`@targetLabel true`, a float here), a class (`@classLabel
    true …`, a text), or another channel (`@classLabel false`); without a header it is a class. With `@timestamps true`
    a value is a pair (time,value). `?` is a missing value.

    Raises:
      InputError: it has no line `@data`, or a line is no series; names file and line.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    begin = next((i for i, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if begin is None:
        raise InputError(f"{path}: no line @data, so it is not a file of series")
    words = [line.strip().lower().split() for line in lines[:begin]]
    header = {line[0][1:]: line[1] == "true" for line in words if len(line) > 1 and line[0][1:] in _SWITCHES}
    is_number = header.get("targetlabel", False)
    is_labelled = is_number or header.get("classlabel", "targetlabel" not in header)
    for number, line in enumerate(lines[begin + 1 :], begin + 2):
        if not line.strip():
            continue
        parts = [part.strip() for part in _OUTSIDE_BRACKETS.split(line)]
        label = parts.pop() if is_labelled else None
        try:
            read = _timed if header.get("timestamps") else _regular
            times, values = joined_channels([read(part) for part in parts])
            what = None if label in (None, "?") else float(label) if is_number else label
        except ValueError as error:
            kind = "a number" if is_number else "a class"
            last = f" and {kind}" if is_labelled else ""
            raise InputError(f"{path}: line {number} is not a series of numbers{last} ({error})") from error
        yield Series(f"{path.stem}-{number - begin - 2:05d}", times, values, what, split)


def joined_channels(
    channels: list[tuple[Float[np.ndarray, "_"], Float[np.ndarray, "_"]]],
) -> tuple[Float[np.ndarray, "n"], Float[np.ndarray, "n channels"]]:
    """The instants of all channels in order, and each one's values at them, NaN where it has none.

    Raises:
      ValueError: there is no channel.
    """
    if not channels:
        raise ValueError("it has no channel")
    times = np.unique(np.concatenate([instants for instants, _ in channels]))
    values = np.full((len(times), len(channels)), np.nan)
    for place, (instants, channel) in enumerate(channels):
        values[np.searchsorted(times, instants), place] = channel
    return times, values


def _regular(part: str) -> tuple[np.ndarray, np.ndarray]:
    values = np.array([np.nan if value.strip() == "?" else float(value) for value in part.split(",")])
    return np.arange(len(values), dtype=float), values


def _timed(part: str) -> tuple[np.ndarray, np.ndarray]:
    pairs = _PAIR.findall(part)
    if not pairs:
        raise ValueError(f"{part[:30]!r} has no pair (time,value)")
    values = [np.nan if value.strip() == "?" else float(value) for _, value in pairs]
    return np.array([_instant(time.strip()) for time, _ in pairs]), np.array(values)


def _instant(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float(np.datetime64(text.replace(" ", "T"), "ns").astype(np.int64)) / 1e9
