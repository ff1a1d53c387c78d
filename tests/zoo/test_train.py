"""Training of a zoo: interruptions leave no trace, and a directory belongs to one configuration."""

import dataclasses
import shutil

import numpy as np
import pytest

from netspace_jax.ops.devices import network_mesh
from netspace_jax.ops.keys import Purpose
from netspace_jax.zoo import open_zoo, recipe, train_zoo, zoo_name
from netspace_jax.zoo.plan import draws_of, stops_of
from tests import tiny
from tests.disk import Stop, assert_refused, content
from tests.zoo.members import everything

NAME = "perceptron3"


# what is made


def test_progress_adds_up(undisturbed):
    _, reports = undisturbed
    steps = stops_of(tiny.zoo_config(), NAME, 20).sum()
    assert sum(done for done, _, _ in reports) == steps
    assert {total for _, total, _ in reports} == {steps}


@pytest.mark.long
def test_several_architectures_and_a_teacher(train, tmp_path):
    zoo = train(
        tmp_path / "zoo",
        architectures=("perceptron3", "perceptron4"),
        members=(7, 8),
        teacher="perceptron5",
        validation=2,
        test=2,
    )
    assert [member.architecture for member in zoo.members] == ["perceptron3"] * 7 + ["perceptron4"] * 8 + [
        "perceptron5"
    ]
    for name, count in (("perceptron3", 7), ("perceptron4", 8)):
        assert [len(zoo.networks(name, split).members) for split in ("train", "validation", "test")] == [
            count - 4,
            2,
            2,
        ]
        assert zoo.networks(name, "train").parameters.shape[1] == tiny.perceptron(int(name[-1])).size
    teacher = zoo.networks("perceptron5", "teacher")
    assert [member.steps for member in teacher.members] == [30] and teacher.parameters.shape == (
        1,
        tiny.perceptron(5).size,
    )


def test_shares_split_by_each_members_own_draw(train, tmp_path):
    zoo = train(tmp_path / "zoo", validation=0.25, test=0.5)
    draws = draws_of(tiny.zoo_config(), NAME, 20, Purpose.SPLIT)
    expected = ["test" if draw < 0.5 else "validation" if draw < 0.75 else "train" for draw in draws]
    assert [member.split for member in zoo.members] == expected


def test_a_bigger_zoo_keeps_its_earlier_members_bit_for_bit(undisturbed, train, tmp_path):
    zoo, _ = undisturbed
    bigger = train(tmp_path / "bigger", members=(33,))
    np.testing.assert_array_equal(everything(bigger)[:20], everything(zoo))
    same = ("index", "steps", "loss", "score_validation", "score_test", "checksum")
    for ours, theirs in zip(bigger.members, zoo.members, strict=False):
        assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]


@pytest.mark.parametrize("devices", [pytest.param(2, marks=pytest.mark.long), 8])
def test_devices_do_not_change_a_zoo(undisturbed, train, tmp_path, devices):
    zoo, _ = undisturbed
    ours, theirs = everything(train(tmp_path / "zoo", devices=devices)), everything(zoo)
    assert np.abs(ours - theirs).max() <= 5e-6 * np.abs(theirs).max()


# interrupted


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
    assert_refused(lambda: open_zoo(directory), directory, "unfinished")
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


def test_an_interrupted_zoo_goes_on_with_the_chunks_it_began_with(train, copied):
    """How many train together changes no network, so it is no reason to refuse a zoo or to begin it again."""
    before = content(copied)
    assert len(train(copied, chunk=3).members) == 20
    assert content(copied) == before
    (copied / "members.csv").unlink()
    (copied / "chunks" / f"{NAME}-00003.csv").unlink()
    assert len(train(copied, chunk=3).members) == 20
    assert len(list((copied / "chunks").glob("*.csv"))) == 4


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
    assert_refused(
        lambda: train(tmp_path / "zoo", learning_rate=1e30, optimizer="sgd", steps=5, min_steps=5),
        "every network",
        "--zoo.learning-rate",
        1e30,
    )


# whose a directory is


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"dataset": "digits"', '{"colour": "red"}', '{"steps": "many"}', "\x00\xff"]
)
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


def test_a_directory_of_something_else_is_left_alone(train, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    assert_refused(lambda: train(tmp_path), tmp_path)
    assert content(tmp_path).keys() == {(tmp_path / "notes.txt").relative_to(tmp_path)}


def test_where_the_data_lies_does_not_matter(train, copied):
    assert len(train(copied, data_dir="/elsewhere").members) == 20


# where a zoo lies


def test_where_a_zoo_lies_says_what_made_it(data):
    config = tiny.zoo_config(dataset="folder/quarters.npz")
    here = zoo_name(config, data)
    assert here.startswith("quarters-perceptron3-") and len(here.rpartition("-")[2]) == 8
    other_images = data.replace(test=data.validation)
    for other, images in ((dataclasses.replace(config, seed=1), data), (config, other_images)):
        assert zoo_name(other, images) != here
    for same in ({"data_dir": "/elsewhere"}, {"chunk": 7}):
        assert zoo_name(dataclasses.replace(config, **same), data) == here
    several = tiny.zoo_config(architectures=("perceptron3", "perceptron4"), members=(9, 9))
    assert zoo_name(several, data).startswith("digits-perceptron3-etc-")


def test_the_name_of_a_zoo_is_a_folders_whatever_the_data_is_called(data):
    name = zoo_name(tiny.zoo_config(dataset="a b/" + "long " * 30 + "ö:?*.npz"), data)
    assert len(name) < 100 and "/" not in name and not set(" :?*") & set(name)


def test_weight_decay_works_with_adam(undisturbed, train, tmp_path):
    plain, decayed = everything(undisturbed[0]), everything(train(tmp_path / "zoo", weight_decay=0.1))
    assert np.linalg.norm(decayed) < 0.99 * np.linalg.norm(plain)


def test_the_zoo_uses_the_training_that_is_handed_in(data, tmp_path):
    seen = []

    def make_training(architecture, config):
        seen.append((architecture.name, config.stops, config.steps))
        return recipe(architecture, config)

    config = tiny.zoo_config(members=(7,), validation=2, test=2, teacher="perceptron5", teacher_steps=12)
    train_zoo(tmp_path / "zoo", config, data, mesh=network_mesh(1), make_training=make_training)
    assert {*seen} == {("perceptron3", "log-uniform", 30), ("perceptron5", "end", 12)}


def test_members_are_named_after_what_they_are_about(data, tmp_path):
    config, names = (
        tiny.zoo_config(members=(5,), validation=1, test=2),
        ("stool", "armchair", "bench", "sofa", "throne"),
    )
    zoo = train_zoo(tmp_path / "zoo", config, data, mesh=network_mesh(1), item_names=names)
    assert tuple(member.item for member in zoo.members) == names
