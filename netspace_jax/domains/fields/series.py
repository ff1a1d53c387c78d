"""Signals as fields: procedural sines, or series of a user, each at its own instants."""

import logging
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from netspace_jax.domain import Loaded
from netspace_jax.domains.fields.behaviour import Signal
from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.fields.dataset import FieldData, SignalTruth, grid_data
from netspace_jax.domains.fields.series_files import read_series
from netspace_jax.domains.fields.series_tables import ColumnRoles
from netspace_jax.domains.fields.ts_files import Series
from netspace_jax.errors import InputError
from netspace_jax.memory import refuse_beyond

SINE_POINTS = 2000  # from -π, a two-thousandth of 2π apart
SINE_RANGE = 10.0  # amplitude and frequency are uniform below it; the networks hold values over it
FEWEST_SAMPLES = 2
FEWEST_SERIES = 4


def load_signals(config: FieldZooConfig, count: int) -> Loaded:
    """Up to `count` signals.

    Series of a user keep their instants: time runs from -1, the beginning of each, to 1, the end of the longest.
    Instants at which a value is missing are left out. Each channel is normalised by its mean and standard deviation
    over the set, which `SignalTruth` keeps. Series that are for test stay so, unless the configuration says otherwise.

    Raises:
      InputError: there is no such set, it cannot be read, or too little of it can be used.
    """
    if config.dataset == "sines":
        return _sines(config, count)
    roles = ColumnRoles(config.label, config.time, config.series_column)
    name, read = read_series(config.dataset, roles)
    series = usable(read, config.dataset)
    order = np.random.default_rng(config.seed).permutation(len(series))[:count]
    chosen = [series[row] for row in order]
    data = signal_data(chosen, series, config.dataset, config.batch)
    named = len({one.name for one in series}) == len(series) and not series[0].split
    items = tuple(series[row].name if named else f"{name}-{row:05d}" for row in order.tolist())
    return Loaded(data, items, config, () if config.redraw_splits else _kept_splits(chosen, config))


def usable(series: Sequence[Series], where: str) -> list[Series]:
    """The series, without instants at which a value is missing; those of which too little is left are named.

    Raises:
      InputError: their channels differ in number, or too few can be used.
    """
    channels = {one.values.shape[1] for one in series}
    if len(channels) > 1:
        raise InputError(f"{where}: its series have {' and '.join(map(str, sorted(channels)))} channels; give one kind")
    kept, faults = [], []
    for one in series:
        known = ~np.isnan(one.values).any(1)
        if np.isinf(one.values).any():
            faults.append(f"{one.name} has an infinite value")
        elif known.sum() < FEWEST_SAMPLES:
            together = " at which all channels are known" if one.values.shape[1] > 1 else ""
            faults.append(f"{one.name} has {known.sum()} instants{together}")
        else:
            kept.append(one._replace(times=(one.times - one.times[0])[known], values=one.values[known]))
    if len(kept) < min(FEWEST_SERIES, len(series)) or not kept:
        raise InputError(
            f"{where}: {len(kept)} of {len(series)} series can be used; the first of the others: {faults[0]}"
        )
    if faults:
        logging.warning("%s: %d of %d series left out: %s", where, len(faults), len(series), "; ".join(faults[:5]))
    return kept


def signal_data(chosen: Sequence[Series], series: Sequence[Series], where: str, batch: int) -> FieldData[SignalTruth]:
    """Some series of a set on the device, normalised by all of it.

    Those of fewer samples than the longest are counted round, each sample equally often but for one time more.

    Raises:
      InputError: all values are equal, or all instants.
    """
    everything = np.concatenate([one.values for one in series])
    mean, std = everything.mean(0), everything.std(0)
    span = max(float(one.times[-1]) for one in series)
    constant = std <= 1e-12 * np.abs(everything).max(0)
    if constant.all() or not span > 0:
        raise InputError(f"{where}: all {'values' if constant.all() else 'times'} of its series are equal")
    std = np.where(constant, 1.0, std)
    length = max(len(one.times) for one in chosen)
    refuse_beyond(16 * len(chosen) * length * len(mean), "the series", "lower --zoo.members")
    rows = [np.arange(length) % len(one.times) for one in chosen]
    values = np.stack([((one.values - mean) / std)[row] for one, row in zip(chosen, rows, strict=True)])
    points = np.stack([(2 * one.times / span - 1)[row] for one, row in zip(chosen, rows, strict=True)])[..., None]
    if (points == points[:1]).all():
        points = points[:1]
    numbers, names = _labels(chosen, series)
    truth = SignalTruth(jnp.asarray(numbers, jnp.float32), names, tuple(mean.tolist()), tuple(std.tolist()), span)
    return _shuffled(points.astype(np.float32), values, truth, batch)


def sines(count: int, seed: int) -> tuple[Float[np.ndarray, "count 2"], Float[np.ndarray, "count n 1"]]:
    """a and b, and a·sin(b·x) on a grid of [-π, π): the procedural benchmark of Navon et al. 2023 (arXiv 2301.12780).

    Amplitude and frequency are uniform in (0, 10); the first ones of a seed do not depend on how many there are.
    """
    numbers = np.random.default_rng(seed).uniform(0, SINE_RANGE, (count, 2))
    x = np.arange(SINE_POINTS) * (2 * np.pi / SINE_POINTS) - np.pi
    return numbers, (numbers[:, :1] * np.sin(numbers[:, 1:] * x))[..., None]


def _labels(chosen: Sequence[Series], series: Sequence[Series]) -> tuple[np.ndarray, tuple[str, ...]]:
    """The numbers that stand for series, and their names: the class, a real number, or none where one is unknown."""
    labels = [one.label for one in series]
    if any(label is None for label in labels):
        return np.zeros((len(chosen), 0)), ()
    if all(isinstance(label, float) for label in labels):
        return np.array([[one.label] for one in chosen]), ("target",)
    classes = sorted({str(label) for label in labels})
    return np.array([[classes.index(str(one.label))] for one in chosen]), ("class",)


def _kept_splits(series: Sequence[Series], config: FieldZooConfig) -> tuple[str, ...]:
    """Test series for test, and of the others some for validation, a sixth where more are asked for; or none said."""
    splits = np.array([one.split for one in series], object)
    if {*splits} != {"train", "test"}:
        return ()
    others = np.flatnonzero(splits == "train")
    asked = config.validation if config.validation >= 1 else config.validation * len(series)
    held = np.random.default_rng(config.seed).permutation(others)[: max(min(round(asked), len(others) // 6), 1)]
    splits[held] = "validation"
    return tuple(splits.tolist())


def _sines(config: FieldZooConfig, count: int) -> Loaded:
    numbers, values = sines(count, config.seed)
    points = np.linspace(-1, 1, SINE_POINTS, endpoint=False, dtype=np.float32)[None, :, None]
    names = ("amplitude", "frequency")
    truth = SignalTruth(jnp.asarray(numbers, jnp.float32), names, (0.0,), (SINE_RANGE,), 2 * np.pi)
    data = _shuffled(points, values / SINE_RANGE, truth, config.batch)
    items = tuple(f"{a:.2f}·sin({b:.2f}·x)" for a, b in numbers.tolist())
    return Loaded(data, items, config)


def _shuffled(points: np.ndarray, values: np.ndarray, truth: SignalTruth, batch: int) -> FieldData[SignalTruth]:
    order = np.random.default_rng(0).permutation(values.shape[1])
    behaviour = Signal(channels=values.shape[2])
    return grid_data(points[:, order], values[:, order].astype(np.float32), truth, behaviour, batch=batch)
