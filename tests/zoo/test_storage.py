"""Zoos on disk: what is written is true, and damage is named and left alone."""

import csv
import dataclasses
import json
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.domains.images.config import ImageZooConfig
from netspace_jax.rules import rebuild
from netspace_jax.zoo import open_zoo
from netspace_jax.zoo.plan import stops_of
from tests import tiny
from tests.disk import assert_refused, assert_refused_by_orbax, content, cut, flip, largest, orbax_fails
from tests.zoo.members import everything

NAME = "perceptron3"


# what is written


def test_the_table_can_be_read_by_anyone(undisturbed):
    zoo, _ = undisturbed
    with open(zoo.directory / "members.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["index"]) for row in rows] == list(range(20))
    assert {row["architecture"] for row in rows} == {NAME} and {row["status"] for row in rows} == {"finite"}
    assert [int(row["steps"]) for row in rows] == list(stops_of(tiny.zoo_config(), NAME, 20))
    splits = [row["split"] for row in rows]
    assert (splits.count("test"), splits.count("validation"), splits.count("train")) == (5, 4, 11)
    assert {row["seed"] for row in rows} == {"0"} and {row["initialisation"] for row in rows} == {"own"}
    assert {float(row["learning_rate"]) for row in rows} == {0.03}


def test_scores_are_those_of_the_parameters(undisturbed, data):
    zoo, _ = undisturbed
    outputs = jax.jit(jax.vmap(tiny.perceptron().apply, (0, None)))
    for split, name in (("validation", "score_validation"), ("test", "score_test")):
        examples = data.examples(split)
        right = np.asarray(outputs(jnp.asarray(everything(zoo)), examples.inputs)).argmax(-1) == np.asarray(
            examples.targets
        )
        np.testing.assert_allclose([getattr(member, name) for member in zoo.members], right.mean(1), atol=1e-6)
    scores = [member.score_test for member in zoo.members]
    assert zoo.summary["score_max"] == max(scores) > zoo.summary["score_min"] == min(scores)
    assert zoo.summary["members"] == 20 and zoo.summary["diverged"] == 0 and zoo.summary["seconds"] > 0


def test_the_configuration_comes_back(undisturbed):
    zoo, _ = undisturbed
    written = json.loads((zoo.directory / "config.json").read_text())
    assert written == zoo.description
    assert written.keys() == {"domain", *(field.name for field in dataclasses.fields(ImageZooConfig))}
    assert written.pop("domain") == "images"
    assert rebuild(ImageZooConfig, written) == tiny.zoo_config()


def test_networks_can_be_ordered_by_score_and_cut_short(undisturbed):
    networks = undisturbed[0].networks(NAME, "train")
    scores = [networks.members[row].score_validation for row in networks.best_first]
    assert sorted(networks.best_first) == list(range(11)) and scores == sorted(scores, reverse=True)
    assert networks.best == networks.best_first[0]
    assert networks.first(3).members == networks.members[:3] and networks.first(0).members == networks.members
    np.testing.assert_array_equal(networks.first(3).parameters, networks.parameters[:3])
    np.testing.assert_array_equal(networks.indices, [member.index for member in networks.members])


# what is read


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
    passes = [seen[begin : begin + 11] for begin in range(0, 44, 11)]
    assert all(sorted(one) == sorted(rows) for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    assert_refused(lambda: zoo.window(NAME, "train", 12, 0), "--netspace.resident 12", 11)


def test_a_split_without_members_is_said_to_be_empty(train, tmp_path):
    zoo = train(tmp_path / "zoo", validation=0.0)
    assert_refused(lambda: zoo.networks(NAME, "validation"), "validation", "--zoo.members")


def test_there_is_no_zoo(tmp_path):
    assert_refused(lambda: open_zoo(tmp_path / "nothing"), tmp_path / "nothing", "no zoo")


# damage


def other_chunk(path):
    shutil.rmtree(path)
    shutil.copytree(path.with_name(f"{NAME}-00000"), path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: flip(largest(path)),
        lambda path: cut(largest(path)),
        lambda path: largest(path).unlink(),
        shutil.rmtree,
        lambda path: largest(path).write_text("something else"),
        other_chunk,
    ],
    ids=["flipped", "truncated", "missing file", "missing", "foreign", "another chunk"],
)
@orbax_fails
def test_a_damaged_chunk_is_named_and_left_alone(train, copied, damage):
    path = copied / "chunks" / f"{NAME}-00001"
    damage(path)
    before = content(copied)
    assert_refused_by_orbax(lambda: list(train(copied).chunks(NAME)), path)
    # One bit is in one member, which is in one of the splits.
    splits = ("train", "validation", "test")
    assert_refused_by_orbax(lambda: [open_zoo(copied).networks(NAME, split) for split in splits], path)
    assert content(copied) == before


def truncated_row(text):
    return text[:-30]


def fewer_rows(text):
    return "".join(text.splitlines(keepends=True)[:-3])


@pytest.mark.parametrize(
    "damage",
    [
        truncated_row,
        fewer_rows,
        lambda text: "",
        lambda text: "a,b\n1,2\n",
        lambda text: text.replace("finite", "\x00"),
    ],
    ids=["truncated row", "fewer rows", "empty", "foreign", "zeros"],
)
@pytest.mark.parametrize("name", ["members.csv", f"chunks/{NAME}-00001.csv"])
def test_a_damaged_table_is_named_and_left_alone(train, copied, name, damage):
    if name != "members.csv":
        (copied / "members.csv").unlink()  # else the chunks' tables are not looked at
    path = copied / name
    path.write_text(damage(path.read_text()))
    before = content(copied)
    assert_refused(lambda: train(copied).networks(NAME, "train"), path)
    assert content(copied) == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("members.csv", ",finite,0,", ",finite,1,"),
        ("zoo.json", '"diverged": 0', '"diverged": 1'),
        ("config.json", '"steps": 30', '"steps": 31'),
    ],
)
def test_one_changed_value_is_found(copied, name, old, new):
    path = copied / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert_refused(lambda: open_zoo(copied), path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"seconds": "long"}'])
@pytest.mark.parametrize("finished", [True, False])
def test_a_foreign_summary_is_named_and_left_alone(train, copied, text, finished):
    if not finished:
        (copied / "members.csv").unlink()
    (copied / "zoo.json").write_text(text)
    before = content(copied)
    assert_refused(lambda: train(copied), copied / "zoo.json")
    assert content(copied) == before
