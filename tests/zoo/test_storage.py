"""Zoos on disk: what is written is true, interruptions leave no trace, and damage is named and left alone."""

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.config import ZooConfig
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh
from netspace_jax.zoo.population import plan
from netspace_jax.zoo.storage import Zoo, read_table
from netspace_jax.zoo.train import splits_of, train_zoo
from tests import tiny

NAME = "perceptron3"


class Stop(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture(scope="module")
def task():
    return tiny.task()


@pytest.fixture(scope="module")
def train(task):
    def train(directory, devices=1, on_progress=lambda done, total, loss: None, **changes):
        return train_zoo(directory, tiny.zoo_config(**changes), task, ("",), network_mesh(devices), on_progress)

    return train


@pytest.fixture(scope="module")
def undisturbed(train, tmp_path_factory):
    """A finished zoo, and how its training was reported."""
    reports = []
    directory = tmp_path_factory.mktemp("zoos") / "undisturbed"
    zoo = train(directory, on_progress=lambda *report: reports.append(report))
    return zoo, reports


@pytest.fixture
def copied(undisturbed, tmp_path):
    """A zoo that a test may spoil."""
    shutil.copytree(undisturbed[0].directory, tmp_path / "zoo")
    return tmp_path / "zoo"


def everything(zoo):
    """Parameters of all members, by index."""
    rows = {member.index: row for members, chunk in zoo.chunks(NAME) for member, row in zip(members, chunk, strict=True)}
    return np.stack([rows[index] for index in sorted(rows)])


def content(directory):
    return {path.relative_to(directory): path.read_bytes() for path in sorted(Path(directory).rglob("*")) if path.is_file()}


def assert_refused(act, *words):
    with pytest.raises(InputError) as error:
        act()
    assert "\n" not in str(error.value)
    for word in words:
        assert str(word) in str(error.value)


# what is written


def test_the_table_can_be_read_by_anyone(undisturbed):
    zoo, _ = undisturbed
    with open(zoo.directory / "members.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == list(range(20))
    assert {row["architecture"] for row in rows} == {NAME} and {row["status"] for row in rows} == {"finite"}
    assert [int(row["steps"]) for row in rows] == list(plan(tiny.zoo_config(), NAME, 20).stops)
    splits = [row["split"] for row in rows]
    assert (splits.count("test"), splits.count("validation"), splits.count("train")) == (5, 4, 11)
    assert {row["seed"] for row in rows} == {"0"} and {row["start"] for row in rows} == {"own"}
    assert {float(row["learning_rate"]) for row in rows} == {0.03}


def test_scores_are_those_of_the_parameters(undisturbed, task):
    zoo, _ = undisturbed
    outputs = jax.jit(jax.vmap(tiny.perceptron().apply, (0, None)))
    for split, name in (("validation", "score_validation"), ("test", "score_test")):
        examples = task.examples(split, jnp.int32(0))
        right = np.asarray(outputs(jnp.asarray(everything(zoo)), examples.inputs)).argmax(-1) == np.asarray(examples.targets)
        np.testing.assert_allclose([getattr(member, name) for member in zoo.members], right.mean(1), atol=1e-6)
    scores = [member.score_test for member in zoo.members]
    assert zoo.summary["score_max"] == max(scores) > zoo.summary["score_min"] == min(scores)
    assert zoo.summary["members"] == 20 and zoo.summary["diverged"] == 0 and zoo.summary["seconds"] > 0


def test_networks_of_a_split_come_with_their_parameters(undisturbed):
    zoo, _ = undisturbed
    all_of_them = everything(zoo)
    for split, count in (("train", 11), ("validation", 4), ("test", 5)):
        networks = zoo.networks(NAME, split)
        assert len(networks.members) == count
        indices = [member.index for member in networks.members]
        assert indices == sorted(indices)
        np.testing.assert_array_equal(networks.parameters, all_of_them[indices])


def test_windows_go_through_a_split_without_a_gap(undisturbed):
    zoo, _ = undisturbed
    networks = zoo.networks(NAME, "train")
    rows = dict(zip((member.index for member in networks.members), networks.parameters, strict=True))
    seen = []
    for number in range(11):
        window = zoo.window(NAME, "train", 4, number)
        assert len(window.members) == 4
        for member, row in zip(window.members, window.parameters, strict=True):
            np.testing.assert_array_equal(row, rows[member.index])
        seen += [member.index for member in window.members]
    passes = [seen[begin:begin + 11] for begin in range(0, 44, 11)]
    assert all(sorted(one) == sorted(rows) for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    assert_refused(lambda: zoo.window(NAME, "train", 12, 0), "--netspace.resident 12", 11)


def test_progress_adds_up(undisturbed):
    _, reports = undisturbed
    steps = plan(tiny.zoo_config(), NAME, 20).stops.sum()
    assert sum(done for done, _, _ in reports) == steps
    assert {total for _, total, _ in reports} == {steps}


def test_several_architectures_and_a_teacher(train, tmp_path):
    zoo = train(tmp_path / "zoo", architectures=("perceptron3", "perceptron4"), members=(7, 8), teacher="perceptron5",
                validation=2, test=2)
    assert [member.architecture for member in zoo.members] == ["perceptron3"] * 7 + ["perceptron4"] * 8 + ["perceptron5"]
    for name, count in (("perceptron3", 7), ("perceptron4", 8)):
        assert [len(zoo.networks(name, split).members) for split in ("train", "validation", "test")] == [count - 4, 2, 2]
        assert zoo.networks(name, "train").parameters.shape[1] == tiny.perceptron(int(name[-1])).size
    teacher = zoo.networks("perceptron5", "teacher")
    assert [member.steps for member in teacher.members] == [30] and teacher.parameters.shape == (1, tiny.perceptron(5).size)


def test_shares_split_by_each_members_own_draw(train, tmp_path):
    zoo = train(tmp_path / "zoo", validation=0.25, test=0.5)
    draws = plan(tiny.zoo_config(), NAME, 20).draws
    expected = ["test" if draw < 0.5 else "validation" if draw < 0.75 else "train" for draw in draws]
    assert [member.split for member in zoo.members] == expected


# how it is made


def test_a_bigger_zoo_keeps_its_earlier_members_bit_for_bit(undisturbed, train, tmp_path):
    zoo, _ = undisturbed
    bigger = train(tmp_path / "bigger", members=(33,))
    np.testing.assert_array_equal(everything(bigger)[:20], everything(zoo))
    same = ("index", "steps", "loss", "score_validation", "score_test", "checksum")
    for ours, theirs in zip(bigger.members, zoo.members, strict=False):
        assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]


@pytest.mark.parametrize("devices", [2, 8])
def test_devices_do_not_change_a_zoo(undisturbed, train, tmp_path, devices):
    zoo, _ = undisturbed
    ours, theirs = everything(train(tmp_path / "zoo", devices=devices)), everything(zoo)
    assert np.abs(ours - theirs).max() <= 5e-6 * np.abs(theirs).max()


@pytest.mark.parametrize("finished", [0, 2, 3])
def test_interrupted_it_goes_on_to_the_same_zoo(undisturbed, train, tmp_path, finished):
    """Interrupted while the next chunk trains."""
    zoo, _ = undisturbed
    directory = tmp_path / "zoo"

    def interrupt(done, total, loss):
        if len(list((directory / "chunks").glob("*.csv"))) == finished:
            raise Stop

    with pytest.raises(Stop):
        train(directory, on_progress=interrupt)
    assert_refused(lambda: Zoo(directory), directory, "unfinished")
    kept = {path: path.stat().st_mtime_ns for path in (directory / "chunks").glob("*.csv")}
    assert len(kept) == finished
    resumed = train(directory)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    assert (directory / "members.csv").read_text() == (zoo.directory / "members.csv").read_text()
    np.testing.assert_array_equal(everything(resumed), everything(zoo))
    assert set(content(directory)) >= {path for path in content(zoo.directory) if path.suffix in (".csv", ".json")}


def test_a_chunk_without_its_table_is_trained_again(undisturbed, train, copied):
    """As after a process that ended while Orbax wrote."""
    zoo, _ = undisturbed
    (copied / "members.csv").unlink()
    (copied / "chunks" / f"{NAME}-00003.csv").unlink()
    (copied / "chunks" / f"{NAME}-00002.csv").unlink()
    shutil.rmtree(copied / "chunks" / f"{NAME}-00002")
    (copied / "chunks" / f"{NAME}-00002").mkdir()
    (copied / "chunks" / f"{NAME}-00002" / "half").write_text("written")
    resumed = train(copied)
    assert (copied / "members.csv").read_text() == (zoo.directory / "members.csv").read_text()
    np.testing.assert_array_equal(everything(resumed), everything(zoo))


def test_a_finished_zoo_is_not_touched(train, copied):
    before = content(copied)
    train(copied, on_progress=lambda *report: pytest.fail("something was trained"))
    assert content(copied) == before


# diverged members


def test_diverged_members_are_recorded_and_left_out(train, tmp_path):
    zoo = train(tmp_path / "zoo", learning_rate=1e25, optimizer="sgd", steps=4)  # finite after one step, not after two
    diverged = {member.index for member in zoo.members if member.status == "diverged"}
    assert diverged == {member.index for member in zoo.members if member.steps > 1}
    assert 0 < len(diverged) < 20 and zoo.summary["diverged"] == len(diverged)
    left = {member.index for split in ("train", "test") for member in zoo.networks(NAME, split).members}
    assert left and not left & diverged
    assert np.isfinite(everything(zoo)).all()
    assert np.isfinite(zoo.summary["score_mean"])


def test_a_zoo_that_diverged_altogether_is_refused(train, tmp_path):
    assert_refused(lambda: train(tmp_path / "zoo", learning_rate=1e30, optimizer="sgd", steps=5, min_steps=5),
                   "every network", "--zoo.learning-rate", 1e30)


# damage


def largest(directory):
    return max((path for path in Path(directory).rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def cut(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


def other_chunk(path):
    shutil.rmtree(path)
    shutil.copytree(path.with_name(f"{NAME}-00000"), path)


@pytest.mark.parametrize("damage", [
    lambda path: flip(largest(path)), lambda path: cut(largest(path)), lambda path: largest(path).unlink(), shutil.rmtree,
    lambda path: largest(path).write_text("something else"), other_chunk,
], ids=["flipped", "truncated", "missing file", "missing", "foreign", "another chunk"])
def test_a_damaged_chunk_is_named_and_left_alone(train, copied, damage):
    path = copied / "chunks" / f"{NAME}-00001"
    damage(path)
    before = content(copied)
    assert_refused(lambda: list(train(copied).chunks(NAME)), path)
    assert_refused(lambda: Zoo(copied).networks(NAME, "train"), path)
    assert content(copied) == before


def truncated_row(text):
    return text[:-30]


def fewer_rows(text):
    return "".join(text.splitlines(keepends=True)[:-3])


@pytest.mark.parametrize("damage", [truncated_row, fewer_rows, lambda text: "", lambda text: "a,b\n1,2\n",
                                    lambda text: text.replace("finite", "\x00")],
                         ids=["truncated row", "fewer rows", "empty", "foreign", "zeros"])
@pytest.mark.parametrize("name", ["members.csv", f"chunks/{NAME}-00001.csv"])
def test_a_damaged_table_is_named_and_left_alone(train, copied, name, damage):
    if name != "members.csv":
        (copied / "members.csv").unlink()  # else the chunks' tables are not looked at
    path = copied / name
    path.write_text(damage(path.read_text()))
    before = content(copied)
    assert_refused(lambda: train(copied).networks(NAME, "train"), path)
    assert content(copied) == before


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"dataset": "digits"', '{"colour": "red"}', '{"steps": "many"}', "\x00\xff"])
@pytest.mark.parametrize("finished", [True, False])
def test_a_foreign_configuration_is_named_and_left_alone(train, copied, text, finished):
    if not finished:
        (copied / "members.csv").unlink()
    (copied / "config.json").write_bytes(text.encode("latin1"))
    before = content(copied)
    assert_refused(lambda: train(copied), copied)
    assert content(copied) == before


@pytest.mark.parametrize("finished", [True, False])
def test_a_zoo_of_another_configuration_is_left_alone(train, copied, finished):
    if not finished:
        (copied / "members.csv").unlink()
    before = content(copied)
    assert_refused(lambda: train(copied, learning_rate=0.5), copied, "another configuration")
    assert content(copied) == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seconds": "long"}'])
@pytest.mark.parametrize("finished", [True, False])
def test_a_foreign_summary_is_named_and_left_alone(train, copied, text, finished):
    if not finished:
        (copied / "members.csv").unlink()
    (copied / "zoo.json").write_text(text)
    before = content(copied)
    assert_refused(lambda: train(copied), copied / "zoo.json")
    assert content(copied) == before


def test_a_directory_of_something_else_is_left_alone(train, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert_refused(lambda: train(tmp_path), tmp_path)
    assert content(tmp_path).keys() == {(tmp_path / "notes.txt").relative_to(tmp_path)}


def test_there_is_no_zoo(tmp_path):
    assert_refused(lambda: Zoo(tmp_path / "nothing"), tmp_path / "nothing", "no zoo")
    assert_refused(lambda: read_table(tmp_path / "members.csv"), tmp_path / "members.csv")


@pytest.mark.parametrize(("validation", "test", "counts"), [
    (4, 5, (11, 4, 5)), (0.0, 5, (15, 0, 5)), (4, 0.0, (16, 4, 0)), (20, 20, (0, 0, 20))])
def test_numbers_and_shares_may_be_mixed(validation, test, counts):
    config = tiny.zoo_config(validation=validation, test=test)
    splits = splits_of(config, NAME)
    assert tuple(splits.count(name) for name in ("train", "validation", "test")) == counts


def test_a_share_beside_a_number():
    config = tiny.zoo_config(validation=0.5, test=400)
    splits = splits_of(dataclasses.replace(config, members=(4000,)), NAME)
    assert splits.count("test") == 400 and 1900 < splits.count("validation") < 2100


def test_a_split_without_members_is_said_to_be_empty(train, tmp_path):
    zoo = train(tmp_path / "zoo", validation=0.0)
    assert_refused(lambda: zoo.networks(NAME, "validation"), "validation", "--zoo.members")


def test_where_the_data_lies_does_not_matter(train, copied):
    assert len(train(copied, data_dir="/elsewhere").members) == 20


def test_the_configuration_comes_back(undisturbed):
    zoo, _ = undisturbed
    assert zoo.config == tiny.zoo_config()
    assert json.loads((zoo.directory / "config.json").read_text()).keys() == {f.name for f in dataclasses.fields(ZooConfig)}
