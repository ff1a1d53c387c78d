"""Signals as fields: the procedural sines, series in the files that people have, and what is refused."""

import importlib.util
import logging

import numpy as np
import pandas
import pytest

from netspace_jax.domains.fields.config import FieldZooConfig
from netspace_jax.domains.fields.loading import load
from netspace_jax.domains.fields.series import SINE_POINTS, sines, usable
from netspace_jax.domains.fields.series_files import read_series
from netspace_jax.domains.fields.series_tables import ColumnRoles
from netspace_jax.errors import InputError
from netspace_jax.zoo.plan import splits_of

RAW = np.random.default_rng(0).normal(size=(12, 9)).round(3)


def config(**changes):
    return FieldZooConfig(**{"dataset": "sines", "kind": "signals", "members": (12,), "batch": 4, **changes})


def original(loaded, item=None):
    """Instants, and values in the data's units, of each series by its name, each sample once."""
    data, series = loaded.dataset, {}
    for number, name in enumerate(loaded.items):
        batch = data.of(number).examples("train")
        rows = np.concatenate([batch.inputs, data.truth.original(np.asarray(batch.targets))], 1)
        series[name] = np.unique(rows.round(4), axis=0)
    return series if item is None else series[item]


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
    np.testing.assert_allclose(data.truth.original(batch.targets), 10 * wanted, atol=1e-4)
    assert loaded.items[4] == f"{a:.2f}·sin({b:.2f}·x)"


def write(folder, name="Toy", train="1,2,3:a\n4,5,6:b\n", test="7,8,9:a\n", header=""):
    folder = folder / name
    folder.mkdir(exist_ok=True)
    head = f"#a comment\n@problemName Toy\n{header}@data\n"
    (folder / f"{name}_TRAIN.ts").write_text(head + train)
    (folder / f"{name}_TEST.ts").write_text(head + test)
    return str(folder)


def test_series_of_both_files_keep_their_classes_and_splits(tmp_path):
    folder = write(tmp_path, train="1,2,3:a\n4,5,6:b\n" * 6, test="7,8,9:a\n" * 5)
    loaded = load(config(dataset=folder, batch=2, members=(100,)))
    rows = np.array([int(item[-5:]) for item in loaded.items])
    assert loaded.config.members == (17,) and sorted(rows) == [*range(17)]
    np.testing.assert_array_equal(loaded.dataset.truth.classes, np.array([0, 1] * 6 + [0] * 5)[rows])
    splits = np.array(loaded.splits)
    assert (splits[rows >= 12] == "test").all() and (splits == "test").sum() == 5
    assert (splits == "validation").sum() == 2
    anew = load(config(dataset=folder, batch=2, members=(100,), redraw_splits=True, test=4))
    assert list(anew.splits).count("test") == 4


HEADERS = {
    "": ("1,2:3,4:a\n", 2, "a"),
    "@timeStamps false\n@classLabel true a b\n": ("1,2:a\n", 1, "a"),
    "@classLabel false\n": ("1,2:3,4\n", 2, None),
    "@targetLabel true\n": ("1,2:3,4:0.25\n", 2, 0.25),
    "@targetlabel false\n": ("1,2:3,4\n", 2, None),
    "@timestamps true\n@classLabel true\n": ("(0,1),(3,2):(3,4),(0,3):b\n", 2, "b"),
}


@pytest.mark.parametrize("header", HEADERS)
def test_the_header_says_what_a_line_holds(tmp_path, header):
    line, channels, label = HEADERS[header]
    _, series = read_series(write(tmp_path, train=line * 3, test=line, header=header))
    assert series[0].label == label and [one.split for one in series] == ["train"] * 3 + ["test"]
    np.testing.assert_array_equal(series[0].values, [[1, 3], [2, 4]] if channels == 2 else [[1], [2]])
    np.testing.assert_array_equal(series[0].times, [0, 3] if "timestamps true" in header else [0, 1])


def test_real_targets_are_numbers_and_no_classes(tmp_path):
    lines = [f"1,2,{i}:{i / 7}\n" for i in range(12)]
    folder = write(tmp_path, train="".join(lines[:8]), test="".join(lines[8:]), header="@targetLabel true\n")
    loaded = load(config(dataset=folder, batch=2))
    rows = np.array([int(item[-5:]) for item in loaded.items])
    assert loaded.dataset.truth.names == ("target",) and loaded.dataset.truth.classes is None
    np.testing.assert_allclose(loaded.dataset.truth.numbers[:, 0], rows / 7, rtol=1e-6)


def test_two_sets_in_a_folder_are_not_joined(tmp_path):
    write(tmp_path, "Toy")
    write(tmp_path, "More", train="5,5,6:c\n" * 4)
    for file in [*(tmp_path / "More").iterdir()]:
        file.rename(tmp_path / "Toy" / file.name)
    with pytest.raises(InputError, match=r"holds 2 sets of series \(More, Toy\): give one of them"):
        read_series(str(tmp_path / "Toy"))
    name, series = read_series(str(tmp_path / "Toy" / "More"))
    assert name == "More" and len(series) == 5 and series[0].label == "c"


def test_each_channel_is_normalised_by_itself_and_comes_back(tmp_path):
    raw = np.stack([RAW, 1e5 * RAW[::-1] + 3e5], 2)
    np.save(tmp_path / "two.npy", raw)
    loaded = load(config(dataset=str(tmp_path / "two.npy")))
    data = loaded.dataset
    values = data.values(np.arange(12))
    np.testing.assert_allclose(values.std((0, 1)), 1, rtol=1e-4)
    np.testing.assert_allclose(values.mean((0, 1)), 0, atol=1e-4)
    row = int(loaded.items[0][-5:])
    np.testing.assert_allclose(original(loaded, loaded.items[0])[:, 2], raw[row, :, 1], rtol=1e-4, atol=1)


def test_rows_of_a_csv_are_series_with_gaps_of_their_own(tmp_path):
    """Values are missing as "?", as nothing, as NaN; a shorter series ends earlier; each keeps its instants."""
    table = pandas.DataFrame(RAW, columns=[f"v{i}" for i in range(9)]).astype(object)
    table.iloc[0, 3], table.iloc[1, 5], table.iloc[2, 4:] = "?", None, np.nan
    table.insert(0, "sensor", [f"s{i}" for i in range(12)])
    table["kind"] = ["x", "y"] * 6
    table.to_csv(tmp_path / "rows.csv", index=False)
    loaded = load(config(dataset=str(tmp_path / "rows.csv"), label="kind"))
    assert sorted(loaded.items) == sorted(table["sensor"]) and loaded.dataset.truth.names == ("class",)
    grid, found = np.linspace(-1, 1, 9), original(loaded)
    for row, missing in ((0, [3]), (1, [5]), (2, [4, 5, 6, 7, 8]), (3, [])):
        kept = np.setdiff1d(np.arange(9), missing)
        wanted = np.stack([grid[kept], RAW[row, kept]], 1)
        np.testing.assert_allclose(found[f"s{row}"], wanted, atol=1e-3)
    for number in range(12):
        assert loaded.dataset.truth.classes[number] == int(loaded.items[number][1:]) % 2


def test_whole_series_share_one_grid_and_need_no_labels(tmp_path):
    pandas.DataFrame(RAW).to_csv(tmp_path / "plain.csv", index=False, header=False)
    loaded = load(config(dataset=str(tmp_path / "plain.csv")))
    assert loaded.dataset.one_grid and loaded.dataset.truth.classes is None and loaded.dataset.truth.names == ()
    assert sorted(loaded.items)[0] == "plain-00000" and len(loaded.items) == 12


@pytest.mark.parametrize("form", ["csv", "parquet", "long"])
def test_columns_are_channels_at_the_times_of_each_file(tmp_path, form):
    folder, tables = tmp_path / "sensors", []
    folder.mkdir()
    for number in range(6):
        hours = np.cumsum([0, 1, 1 + number, 2])
        dates = pandas.Timestamp("2024-05-01") + pandas.to_timedelta(hours, unit="h")
        tables.append(pandas.DataFrame({"date": dates, "a": RAW[number, :4], "b": RAW[number, 4:8] * 100}))
        if form == "csv":
            tables[-1].sample(frac=1, random_state=0).to_csv(folder / f"s{number}.csv", index=False)
        elif form == "parquet":
            tables[-1].to_parquet(folder / f"s{number}.parquet")
    changes = {"dataset": str(folder), "batch": 2, "members": (6,)}
    if form == "long":
        table = pandas.concat([table.assign(who=f"s{i}") for i, table in enumerate(tables)])
        table.to_csv(tmp_path / "long.csv", index=False)
        changes |= {"dataset": str(tmp_path / "long.csv"), "series_column": "who"}
    loaded = load(config(**changes))
    assert loaded.dataset.truth.span == 9 * 3600 and not loaded.dataset.one_grid
    for number in range(6):
        found = original(loaded, f"s{number}")
        np.testing.assert_allclose(found[:, 0], 2 * np.cumsum([0, 1, 1 + number, 2]) / 9 - 1, atol=1e-3)
        np.testing.assert_allclose(found[:, 1], RAW[number, :4], atol=1e-3)
        np.testing.assert_allclose(found[:, 2], RAW[number, 4:8] * 100, atol=0.1)


def test_arrays_with_times_labels_and_splits(tmp_path):
    np.savez(tmp_path / "a.npz", X_train=RAW[:8], y_train=np.arange(8) % 2, X_test=RAW[8:], y_test=np.arange(4) % 2)
    _, series = read_series(str(tmp_path / "a.npz"))
    assert [one.split for one in series] == ["train"] * 8 + ["test"] * 4 and series[3].label == "1"
    np.savez(tmp_path / "b.npz", x=RAW, times=np.arange(9) ** 2)
    _, series = read_series(str(tmp_path / "b.npz"))
    np.testing.assert_array_equal(series[2].times, np.arange(9) ** 2)
    np.savez(tmp_path / "c.npz", first=RAW, second=RAW)
    with pytest.raises(InputError, match=r"holds first float64\[12, 9\], second float64\[12, 9\]; series are x"):
        read_series(str(tmp_path / "c.npz"))


@pytest.mark.parametrize("dataset", ["sines", "series"])
@pytest.mark.parametrize("held", [0.25, 6])
def test_all_networks_of_a_signal_are_in_one_split(tmp_path, dataset, held):
    """One that tests a space would train it by its other network, if each drew a split of its own."""
    if dataset == "series":
        dataset = write(tmp_path, train="1,2,3:a\n4,5,7:b\n" * 12)
    networks = {"dataset": dataset, "batch": 2, "validation": held, "test": held, "redraw_splits": True}
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


def test_splits_and_batches_fit_a_small_set(tmp_path, caplog):
    np.save(tmp_path / "few.npy", RAW)
    with caplog.at_level(logging.WARNING):
        loaded = load(config(dataset=str(tmp_path / "few.npy"), validation=128, test=128, batch=24))
    assert loaded.config.batch == 9 and (loaded.config.validation, loaded.config.test) == (2, 2)
    assert "--zoo.batch is 9" in caplog.text and "2 each instead" in caplog.text


def test_one_bad_series_is_named_and_left_out(tmp_path, caplog):
    raw = RAW.copy()
    raw[3, 2], raw[5] = np.inf, np.nan
    np.save(tmp_path / "bad.npy", raw)
    with caplog.at_level(logging.WARNING):
        loaded = load(config(dataset=str(tmp_path / "bad.npy")))
    assert len(loaded.items) == 10 and loaded.config.members == (10,)
    assert "bad-00003 has an infinite value; bad-00005 has 0 instants" in caplog.text


def test_a_file_of_a_folder_that_is_no_table_is_left_out(tmp_path, caplog):
    for number in range(5):
        pandas.DataFrame({"t": np.arange(9), "v": RAW[number]}).to_csv(tmp_path / f"s{number}.csv", index=False)
    (tmp_path / "s2.csv").write_text("t,v\n1,abc\n")
    with caplog.at_level(logging.WARNING):
        assert len(read_series(str(tmp_path))[1]) == 4
    assert "s2.csv: column 'v' holds texts" in caplog.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"train": "1,2,x:a\n"}, "line 4 is not a series"), ({"train": "1,2,3:b\n1,2:3,4:a\n"}, "1 and 2 channels")],
)
def test_what_is_no_series_is_named(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        load(config(dataset=write(tmp_path, **changes)))


@pytest.mark.parametrize(
    ("text", "roles", "said"),
    [
        ("a,b\n1,2\n", ColumnRoles(label="c"), "has no column 'c'; it has a, b"),
        ("a,kind\n1,x\n2,x\n", ColumnRoles(), "column 'kind' holds texts, as 'x': is it the label"),
        ("time,a\n1,2\n", ColumnRoles(), "is one series: name the column .* --zoo.series-column"),
    ],
)
def test_a_table_that_cannot_be_read_says_what_is_missing(tmp_path, text, roles, said):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_series(str(tmp_path / "a.csv"), roles)


def test_equal_values_are_named_as_such(tmp_path):
    np.save(tmp_path / "flat.npy", np.full((12, 9), 0.1))
    with pytest.raises(InputError, match="all values of its series are equal"):
        load(config(dataset=str(tmp_path / "flat.npy")))


def test_nothing_usable_says_the_first_reason(tmp_path):
    np.save(tmp_path / "nan.npy", np.full((12, 9), np.nan))
    with pytest.raises(InputError, match=r"0 of 12 series can be used; the first of the others: nan-00000 has 0 inst"):
        usable(read_series(str(tmp_path / "nan.npy"))[1], "nan.npy")


def test_a_set_that_is_not_there_is_named(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="no such file or folder"):
        read_series(str(tmp_path / "nothing"))
    with pytest.raises(InputError, match="none of the files that are read as series, .ts, .csv"):
        read_series(str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install --no-deps aeon"):
        read_series("aeon:ItalyPowerDemand")
