"""Signals as fields: the procedural sines, files of series, and what is refused."""

import importlib.util

import numpy as np
import pytest

from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.fields.loading import load
from netspace_jax.domains.fields.series import SINE_POINTS, read_series, sines
from netspace_jax.errors import InputError
from netspace_jax.zoo.plan import splits_of


def config(**changes):
    return FieldZooConfig(**{"dataset": "sines", "kind": "signals", "members": (12,), "batch": 16, **changes})


def test_sines_are_those_of_the_benchmark():
    known, values = sines(300, 0)
    assert values.shape == (300, 2000, 1) and known.min() > 0 and known.max() < 10
    assert abs(known.mean() - 5) < 0.5 and np.abs(known.std(0) - 10 / np.sqrt(12)).max() < 0.3
    x = np.arange(-np.pi, np.pi, np.pi / 1000)[:2000]
    np.testing.assert_allclose(values[7, :, 0], known[7, 0] * np.sin(known[7, 1] * x), atol=1e-9)
    np.testing.assert_array_equal(sines(20, 0)[0], known[:20])


def test_networks_hold_sines_by_instants_from_minus_one_to_one():
    loaded = load(config())
    data = loaded.dataset
    a, b = np.asarray(data.truth.numbers[4])
    batch = data.of(4).examples("train")
    assert batch.inputs.shape == (SINE_POINTS, 1) and data.truth.classes is None
    wanted = a * np.sin(b * np.pi * np.asarray(batch.inputs)) / 10
    np.testing.assert_allclose(batch.targets, wanted, atol=1e-5)
    assert loaded.items[4] == f"{a:.2f}·sin({b:.2f}·x)"


def write(folder, name="Toy", train="1,2,3:a\n4,5,6:b\n", test="7,8,9:a\n"):
    folder = folder / name
    folder.mkdir()
    head = "#a comment\n@problemName Toy\n@data\n"
    (folder / f"{name}_TRAIN.ts").write_text(head + train)
    (folder / f"{name}_TEST.ts").write_text(head + test)
    return str(folder)


def test_series_of_both_files_with_their_classes(tmp_path):
    name, values, labels = read_series(write(tmp_path))
    assert name == "Toy" and labels.tolist() == [0, 1, 0]
    raw = np.arange(1.0, 10).reshape(3, 3, 1)
    np.testing.assert_allclose(values, (raw - 5) / raw.std())
    loaded = load(config(dataset=write(tmp_path, "More"), batch=2))
    rows = [int(item[-5:]) for item in loaded.items]
    assert sorted(rows) == [0, 1, 2] and loaded.config.members == (3,)
    np.testing.assert_array_equal(loaded.dataset.truth.classes, labels[rows])
    np.testing.assert_allclose(np.sort(loaded.dataset.values(np.arange(3)), 1), np.sort(values[rows], 1), rtol=1e-6)


def test_channels_are_parted_by_colons(tmp_path):
    _, values, _ = read_series(write(tmp_path, train="1,2:3,4:a\n", test="5,6:7,8:b\n"))
    raw = np.array([[[1, 3], [2, 4]], [[5, 7], [6, 8]]])
    np.testing.assert_allclose(values, (raw - 4.5) / raw.std())


@pytest.mark.parametrize("dataset", ["sines", "series"])
@pytest.mark.parametrize("held", [0.25, 6])
def test_all_networks_of_a_signal_are_in_one_split(tmp_path, dataset, held):
    """One that tests a space would train it by its other network, if each drew a split of its own."""
    if dataset == "series":
        dataset = write(tmp_path, train="1,2,3:a\n4,5,7:b\n" * 12)
    networks = {"dataset": dataset, "batch": 2, "validation": held, "test": held}
    architectures = ("siren-4-w3", "siren-5-w3")
    loaded = load(config(**networks, members=(24, 24), views=2, architectures=architectures))
    splits = np.array([splits_of(loaded.config, name, loaded.splits) for name in architectures])
    assert splits.shape == (2, 24) and loaded.dataset.items == len(loaded.items) == 12
    splits = splits.reshape(4, 12)
    np.testing.assert_array_equal(splits, splits[:1].repeat(4, 0))
    assert [*splits[0]].count("test") == 3 or held < 1
    # With one network of each signal, splits are those that its networks draw.
    alone = load(config(**networks, members=(12,), architectures=("siren-4-w3",)))
    assert [*alone.splits] == splits_of(alone.config, "siren-4-w3")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"train": "1,2,x:a\n"}, "line 4 is not a series"),
        ({"train": "1,2:a\n"}, "2 different lengths"),
        ({"train": "1,?,3:a\n"}, "series 0 has missing values"),
    ],
)
def test_what_is_no_series_is_named(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        read_series(write(tmp_path, **changes))


def test_a_set_that_is_not_there_is_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no such folder"):
        read_series(str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="no \\*_TRAIN.ts"):
        read_series(str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install --no-deps aeon"):
        read_series("aeon:ItalyPowerDemand")
