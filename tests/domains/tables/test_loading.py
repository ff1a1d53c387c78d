"""Tables from files to tasks on the device, and what is refused."""

import dataclasses

import numpy as np
import pandas
import pytest

from netspace_jax.domain import preset
from netspace_jax.domains.tables.behaviour import RowClassification, RowRegression
from netspace_jax.domains.tables.config import TableZooConfig
from netspace_jax.domains.tables.loading import load, read_examples
from netspace_jax.errors import InputError

RANDOM = np.random.default_rng(0)
SIZES = (12, 15, 20, 31, 16, 18, 3)


def shops(sizes=SIZES) -> pandas.DataFrame:
    """Shops of unequal numbers of rows, the last too few; each sells by a law of its own."""
    shop = np.repeat([f"shop {number}" for number in range(len(sizes))], sizes)
    price = RANDOM.normal(10, 3, len(shop))
    level = np.repeat(np.arange(len(sizes)) * 10.0, sizes)
    day = np.array(["mon", "tue"])[RANDOM.integers(0, 2, len(shop))]
    return pandas.DataFrame({"shop": shop, "price": price, "day": day, "sales": level - price, "good": level > price})


def config(dataset, **changes) -> TableZooConfig:
    fields = {"dataset": str(dataset), "task_column": "shop", "target": "sales", "inputs": ("price", "day")}
    return TableZooConfig(**{**fields, "architectures": ("mlp-4",), "validation": 1, "test": 1, **changes})


@pytest.fixture
def file(tmp_path):
    shops().to_csv(tmp_path / "shops.csv", index=False)
    return tmp_path / "shops.csv"


def test_a_file_whose_column_names_the_task(file):
    loaded = load(config(file))
    data = loaded.dataset
    assert loaded.items == tuple(f"shop {number}" for number in range(6))  # the seventh has 3 rows
    assert loaded.config.members == (6,) and sorted(loaded.splits) == ["test", *["train"] * 4, "validation"]
    assert isinstance(data.behaviour, RowRegression)
    np.testing.assert_array_equal(np.asarray(data.counts).sum(1), SIZES[:6])
    # Every row is in one split of its task; targets are as they were.
    table = shops()
    for item, name in enumerate(loaded.items):  # noqa: B007
        rows = np.concatenate([data.rows(item, split).targets for split in ("train", "validation", "test")])
        expected = pandas.read_csv(file).query("shop == @name").sales
        np.testing.assert_allclose(np.sort(rows), np.sort(expected), rtol=1e-6)
    assert set(table.shop) - set(loaded.items) == {"shop 6"}


def test_numbers_are_normalised_by_training_rows_of_training_tasks(file):
    loaded = load(config(file))
    data = loaded.dataset
    training = [data.rows(item, "train") for item, split in enumerate(loaded.splits) if split == "train"]
    inputs, targets = (np.concatenate(part) for part in zip(*training, strict=True))
    np.testing.assert_allclose(inputs[:, 0].mean(), 0, atol=1e-5)
    np.testing.assert_allclose(inputs[:, 0].std(), 1, rtol=1e-5)
    np.testing.assert_allclose([targets.mean(), targets.std()], [data.behaviour.mean, data.behaviour.std], rtol=1e-5)


def test_small_tasks_are_counted_round(file):
    data = load(config(file)).dataset
    longest = int(np.asarray(data.counts)[:, 0].max())
    for item, count in enumerate(np.asarray(data.counts)[:, 0].tolist()):
        examples = data.of(item).examples("train")
        assert len(examples.targets) == longest
        np.testing.assert_array_equal(examples.targets[:count], data.rows(item, "train").targets)
        np.testing.assert_array_equal(examples.targets[count:], examples.targets[: longest - count])


def test_a_batch_is_of_training_rows_of_its_task(file):
    import jax

    data = load(config(file)).dataset
    for item in (0, 5):
        batch = data.of(item).sample(jax.random.key(0), jax.numpy.int32(3), 200)
        assert set(np.asarray(batch.targets).tolist()) == set(np.asarray(data.rows(item, "train").targets).tolist())


def test_a_folder_of_files(tmp_path, file):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, rows in shops().groupby("shop"):
        rows.drop(columns="shop").to_csv(folder / f"{name}.csv", index=False)
    one, many = load(config(file)).dataset, load(config(folder, task_column="")).dataset
    np.testing.assert_array_equal(one.counts, many.counts)
    assert one.behaviour.columns == many.behaviour.columns


def test_parquet_is_as_csv(tmp_path, file):
    pytest.importorskip("pyarrow")
    pandas.read_csv(file).to_parquet(tmp_path / "shops.parquet")
    one, other = load(config(file)).dataset, load(config(tmp_path / "shops.parquet")).dataset
    np.testing.assert_array_equal(one.inputs, other.inputs)


def test_classes_by_the_target_or_by_the_flag(file):
    said = load(config(file, target="good")).dataset.behaviour
    assert isinstance(said, RowClassification) and said.labels == ("False", "True")
    whole = pandas.read_csv(file)
    whole["good"] = whole.good.astype(int)
    whole.to_csv(file, index=False)
    assert isinstance(load(config(file, target="good")).dataset.behaviour, RowRegression)
    assert load(config(file, target="good", answers="classes")).dataset.behaviour.labels == ("0", "1")


def test_fewer_tasks_and_several_views(file):
    loaded = load(config(file, members=(8,), views=2))
    assert len(loaded.items) == 4 and loaded.config.members == (8,)
    assert load(config(file, members=(100,), views=2)).config.members == (12,)


def test_examples_of_a_new_task_are_a_file(tmp_path, file):
    behaviour = load(config(file)).dataset.behaviour
    shops((5,)).to_csv(tmp_path / "new.csv", index=False)
    inputs, targets = read_examples(behaviour, tmp_path / "new.csv")
    assert inputs.shape == (5, 3) and len(targets) == 5
    shops((5,)).drop(columns="day").to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(InputError, match="no column 'day'"):
        read_examples(behaviour, tmp_path / "new.csv")


def test_sets_that_packages_ship_know_their_target():
    pytest.importorskip("statsmodels")
    loaded = load(dataclasses.replace(preset("tables").zoo, dataset="fertility"))
    assert loaded.config.target == "births" and "Chad" in loaded.items


def damaged(table: pandas.DataFrame, how: str) -> pandas.DataFrame:
    match how:
        case "empty":
            return table[:0]
        case "one task":
            return table.assign(shop="here")
        case "small":
            return table.groupby("shop").head(4)
        case "no spread":
            return table.assign(sales=1.0)
        case "no value":
            return table.assign(price=np.nan)
    return table


@pytest.mark.parametrize(
    ("how", "changes", "said"),
    [
        ("", {"target": "sale"}, "no column 'sale'; did you mean 'sales'?"),
        ("", {"task_column": "shops"}, "no column 'shops'; did you mean 'shop'?"),
        (
            "",
            {"task_column": ""},
            "name the column that says which task a row belongs to, --zoo.task-column, one of shop",
        ),
        ("", {"target": ""}, "name the column that networks predict: --zoo.target"),
        ("", {"inputs": ("price", "dya")}, "no column 'dya'; did you mean 'day'?"),
        ("", {"inputs": ("shop",)}, "'shop' names the task, so it is neither the target nor an input"),
        ("", {"target": "day", "inputs": (), "answers": "numbers"}, "the target 'day' is not numeric, as"),
        ("", {"answers": "classes"}, "different values; classes are from 2 to 100"),
        ("empty", {}, "has no rows"),
        ("one task", {}, "1 task (here); a space needs at least 4"),
        ("small", {}, "0 of 7 tasks have 10 rows or more, the largest 4"),
        ("no spread", {}, "one value alone"),
        ("no value", {}, "column 'price' has no value at all"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(file, how, changes, said):
    damaged(shops((60,) * 7 if "answers" in changes else SIZES), how).to_csv(file, index=False)
    with pytest.raises(InputError) as error:
        load(config(file, **changes))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_files_that_do_not_fit_together_are_told_apart(tmp_path):
    for number in range(5):
        shops((20,)).rename(columns={"price": "cost"} if number == 3 else {}).to_csv(tmp_path / f"{number}.csv")
    with pytest.raises(InputError, match=r"3.csv: its columns are not those of 0.csv; they differ in cost, price"):
        load(config(tmp_path, task_column=""))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.xlsx", b"", "give a .csv or .parquet file"),
        ("rows.csv", b"", "not a table that can be read"),
        ("rows.csv", b"\xff\xfe\x00", "not a table that can be read"),
        ("rows.parquet", b"PAR0", "not a table that can be read|pip install pyarrow"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=said):
        load(config(tmp_path / name))


def test_parquet_needs_pyarrow(tmp_path, monkeypatch):
    import importlib.util

    (tmp_path / "rows.parquet").write_bytes(b"")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pyarrow" else find(name))
    with pytest.raises(InputError, match="pip install pyarrow"):
        load(config(tmp_path / "rows.parquet"))


def test_a_folder_or_a_file_that_is_not_there(tmp_path):
    (tmp_path / "empty").mkdir()
    for place, said in (("empty", "no .csv or .parquet file"), ("nowhere.csv", "no such file")):
        with pytest.raises(InputError, match=said):
            load(config(tmp_path / place, task_column=""))
