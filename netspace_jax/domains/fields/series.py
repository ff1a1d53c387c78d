"""Signals as fields: procedural sines, or a set of series of one length."""

import importlib.util
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from netspace_jax.domain import Loaded
from netspace_jax.domains.fields.behaviour import Signal
from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.fields.dataset import FieldData, SignalTruth, grid_data
from netspace_jax.errors import InputError

SINE_POINTS = 2000  # from -π, a two-thousandth of 2π apart
SINE_RANGE = 10.0  # amplitude and frequency are uniform below it; the networks hold values over it
PACKAGES = ("aeon", "sktime")  # that ship series in the folder datasets/data


def load_signals(config: FieldZooConfig, count: int) -> Loaded:
    """Up to `count` signals.

    Raises:
      InputError: there is no such set, or it cannot be read.
    """
    if config.dataset == "sines":
        return _sines(config, count)
    name, values, labels = read_series(config.dataset)
    order = np.random.default_rng(config.seed).permutation(len(values))[:count]
    chosen = values[order]
    points = np.linspace(-1, 1, values.shape[1], dtype=np.float32)[None, :, None]
    truth = SignalTruth(jnp.asarray(labels[order, None], jnp.float32), ("class",))
    data = _shuffled(points, chosen, truth, config.batch)
    items = tuple(f"{name}-{row:05d}" for row in order.tolist())
    return Loaded(data, items, config)


def sines(count: int, seed: int) -> tuple[Float[np.ndarray, "count 2"], Float[np.ndarray, "count n 1"]]:
    """a and b, and a·sin(b·x) on a grid of [-π, π): the procedural benchmark of Navon et al. 2023 (arXiv 2301.12780).

    Amplitude and frequency are uniform in (0, 10); the first ones of a seed do not depend on how many there are.
    """
    numbers = np.random.default_rng(seed).uniform(0, SINE_RANGE, (count, 2))
    x = np.arange(SINE_POINTS) * (2 * np.pi / SINE_POINTS) - np.pi
    return numbers, (numbers[:, :1] * np.sin(numbers[:, 1:] * x))[..., None]


def read_series(
    dataset: str,
) -> tuple[str, Float[np.ndarray, "n length channels"], Int[np.ndarray, "n"]]:
    """Name, values and classes of a set of series of one length, training and test series together.

    Values are divided by their standard deviation over the whole set.

    Args:
      dataset: a folder with NAME_TRAIN.ts and NAME_TEST.ts, the format of the UCR and UEA archives; or PACKAGE:NAME for
        a set that an installed package ships (`aeon:ItalyPowerDemand`).

    Raises:
      InputError: there is none, a file cannot be read, series differ in length, or one has missing values.
    """
    folder = _folder(dataset)
    files = sorted(folder.glob("*_TRAIN.ts")) + sorted(folder.glob("*_TEST.ts"))
    if not files:
        raise InputError(f"{dataset}: {folder} has no *_TRAIN.ts or *_TEST.ts")
    rows, names = zip(*(pair for path in files for pair in _read_ts(path)), strict=True)
    shapes = {row.shape for row in rows}
    if len(shapes) > 1:
        raise InputError(f"{dataset}: its series have {len(shapes)} different lengths; give one length")
    values = np.stack(rows)
    if not np.isfinite(values).all():
        raise InputError(f"{dataset}: series {int(np.argmin(np.isfinite(values).all((1, 2))))} has missing values")
    labels = np.unique(np.array(names), return_inverse=True)[1]
    return folder.name, (values - values.mean()) / values.std(), labels


def _sines(config: FieldZooConfig, count: int) -> Loaded:
    numbers, values = sines(count, config.seed)
    points = np.linspace(-1, 1, SINE_POINTS, endpoint=False, dtype=np.float32)[None, :, None]
    truth = SignalTruth(jnp.asarray(numbers, jnp.float32), ("amplitude", "frequency"))
    data = _shuffled(points, values / SINE_RANGE, truth, config.batch)
    items = tuple(f"{a:.2f}·sin({b:.2f}·x)" for a, b in numbers.tolist())
    return Loaded(data, items, config)


def _shuffled(points: np.ndarray, values: np.ndarray, truth: SignalTruth, batch: int) -> FieldData[SignalTruth]:
    order = np.random.default_rng(0).permutation(values.shape[1])
    behaviour = Signal(channels=values.shape[2])
    return grid_data(points[:, order], values[:, order].astype(np.float32), truth, behaviour, batch=batch)


def _folder(dataset: str) -> Path:
    package, colon, name = dataset.partition(":")
    if not colon or package not in PACKAGES:
        folder = Path(dataset).expanduser()
        if folder.is_dir():
            return folder
        raise InputError(f"{dataset}: no such folder; give 'sines', a folder with NAME_TRAIN.ts, or aeon:NAME")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"{dataset}: {package} is not installed; pip install --no-deps {package} (only its data is read)"
        )
    place = Path(next(iter(spec.submodule_search_locations))) / "datasets" / "data"
    if not (place / name).is_dir():
        names = sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
        raise InputError(f"{dataset}: {package} ships no {name!r}; it ships {', '.join(names) or 'no series'}")
    return place / name


def _read_ts(path: Path):
    """Values (length, channels) and class of each series of a file: channels are parted by colons, the class is last.

    Raises:
      InputError: a line is not such a series.
    """
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    begin = next((i for i, line in enumerate(lines) if line.strip().lower() == "@data"), None)
    if begin is None:
        raise InputError(f"{path}: no line @data, so it is not a file of series")
    for number, line in enumerate(lines[begin + 1 :], begin + 2):
        if not line.strip():
            continue
        *channels, name = line.split(":")
        try:
            columns = [np.array([np.nan if v == "?" else float(v) for v in part.split(",")]) for part in channels]
            yield np.stack(columns, 1), name.strip()
        except ValueError as error:
            raise InputError(f"{path}: line {number} is not a series of numbers and a class ({error})") from error
