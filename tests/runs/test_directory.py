"""Run directories: what is saved comes back, another configuration is refused by field, damage is named."""

import dataclasses
import gc
import json
import shutil
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import pytest

from netspace_jax.domain import read_config
from netspace_jax.files import write_text
from netspace_jax.ops.devices import network_mesh, put_everywhere
from netspace_jax.runs import RunDirectory, checkpoints, read_description
from netspace_jax.runs.checkpoints import latest_step
from netspace_jax.runs.description import check_directory, differences
from netspace_jax.runs.log import read_log
from netspace_jax.space import Constants
from netspace_jax.space.loop import Progress
from netspace_jax.space.step import TrainState
from tests import tiny
from tests.disk import assert_refused, assert_refused_by_orbax, content, cut, flip, largest, orbax_fails

CONFIG = tiny.run_config()


def described(config=CONFIG, folder="quarters-perceptron3-00000000"):
    """What a run of a configuration is, as `RunDirectory` takes it."""
    return {**dataclasses.asdict(config), "zoo_folder": folder}


def changed(**changes):
    return dataclasses.replace(CONFIG, netspace=dataclasses.replace(CONFIG.netspace, **changes))


def state(step, seed=0):
    drawn = jax.random.normal(jax.random.key(seed), (30, 40))
    return TrainState({"a": {"kernel": drawn, "bias": drawn[0]}}, {"mu": 2 * drawn}, jnp.int32(step))


def constants(seed=0):
    drawn = jax.random.normal(jax.random.key(seed + 100), (3, 4))
    return Constants(drawn, drawn[None], -drawn[None])


def netspace(params, constants):
    return tiny.unchanged().replace(params=params, constants=constants)


def abstract(tree):
    return jax.eval_shape(lambda: tree)


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "run", described())


# whose it is


def test_a_run_knows_its_configuration(run):
    written = read_description(run.path)
    assert read_config(written, run.path) == CONFIG
    assert (written["domain"], written["zoo_folder"]) == ("images", "quarters-perceptron3-00000000")
    RunDirectory(run.path, described())


def test_another_configuration_is_refused_by_field(run):
    (run.path / "metrics.jsonl").write_text("{}\n")
    before = content(run.path)
    other = dataclasses.replace(changed(steps=50, seed=2), zoo=tiny.zoo_config(members=(21,)))
    assert_refused(
        lambda: RunDirectory(run.path, described(other)),
        run.path,
        "netspace.steps 40 → 50",
        "netspace.seed 0 → 2",
        "zoo.members 20 → 21",
        "--fresh",
    )
    assert content(run.path) == before


def test_where_the_data_lies_does_not_matter(run):
    elsewhere = dataclasses.replace(CONFIG, zoo=tiny.zoo_config(data_dir="/elsewhere"))
    RunDirectory(run.path, described(elsewhere))
    assert differences(described(elsewhere), described()) == []


def test_a_run_of_other_data_is_refused(run):
    before = content(run.path)
    assert_refused(
        lambda: RunDirectory(run.path, described(folder="quarters-perceptron3-11111111")),
        run.path,
        "the data changed",
        "quarters-perceptron3-00000000",
        "quarters-perceptron3-11111111",
        "--fresh",
    )
    assert content(run.path) == before


def test_what_a_run_is_called_does_not_matter(run):
    another = dataclasses.replace(CONFIG, name="another")
    assert differences(described(another), described()) == []
    RunDirectory(run.path, described(another))
    assert read_config(read_description(run.path), run.path) == another


def test_fresh_starts_anew(run):
    run.log({"step": 1})
    again = RunDirectory(run.path, described(changed(steps=50)), fresh=True)
    assert content(again.path).keys() == {(again.path / "config.json").relative_to(again.path)}
    assert read_description(again.path)["netspace"]["steps"] == 50


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("name", "text"),
    [("notes.txt", "mine"), ("config.json", '{"model_type": "bert"}'), ("config.json", "[]"), ("config.json", "{")],
)
def test_what_is_no_run_is_left_alone(tmp_path, fresh, name, text):
    (tmp_path / name).write_text(text)
    (tmp_path / "weights.bin").write_text("precious")
    before = content(tmp_path)
    assert_refused(lambda: RunDirectory(tmp_path, described(), fresh), tmp_path)
    assert content(tmp_path) == before


# what is saved


def test_the_last_state_comes_back_with_its_progress(run):
    run.save_last(state(3), Progress(1.5, 0.25, 2))
    run.save_last(state(7, seed=1), Progress(2.5, 0.5, 7))
    found, progress = run.restore_last(abstract(state(0)), network_mesh(1))
    chex.assert_trees_all_equal(found, state(7, seed=1))
    assert progress == Progress(2.5, 0.5, 7)


def test_a_run_that_never_saved_has_nothing_to_go_on_from(run):
    assert run.restore_last(abstract(state(0)), network_mesh(1)) is None
    assert run.restore_best(abstract(netspace({}, constants())), 4) is None


def test_first_progress_has_no_best(run):
    run.save_last(state(1), Progress())
    assert run.restore_last(abstract(state(0)), network_mesh(1))[1] == Progress()


@pytest.mark.parametrize(("before", "after"), [(8, 4), (1, 8), (2, 1)])
def test_a_run_moves_to_other_devices(run, before, after):
    run.save_last(put_everywhere(state(5), network_mesh(before)), Progress())
    found, _ = run.restore_last(abstract(state(0)), network_mesh(after))
    chex.assert_trees_all_equal(jax.device_get(found), jax.device_get(state(5)))
    assert {len(leaf.devices()) for leaf in jax.tree.leaves(found)} == {after}


def test_the_best_replaces_the_one_before(run):
    for step, seed in ((4, 1), (8, 2), (8, 3)):
        run.save_best(step, netspace(state(step, seed).params, constants(seed)))
    found = run.restore_best(abstract(netspace(state(0).params, constants())), 4)
    assert latest_step(run.path / "checkpoints" / "best") == 8
    chex.assert_trees_all_equal(found, netspace(state(8, 3).params, constants(3)))


def test_metrics_after_the_last_state_are_dropped(run):
    """They come again; so does a line that was cut short."""
    for step in (5, 10, 15, 20):
        run.log({"step": step, "total": 1.0})
    with open(run.path / "metrics.jsonl", "a") as file:
        file.write('{"step": 2')
    run.save_last(state(10), Progress())
    run.restore_last(abstract(state(0)), network_mesh(1))
    assert [json.loads(line)["step"] for line in (run.path / "metrics.jsonl").read_text().splitlines()] == [5, 10]


def test_metrics_of_a_run_that_never_saved_are_dropped(run):
    run.log({"step": 5})
    run.restore_last(abstract(state(0)), network_mesh(1))
    assert (run.path / "metrics.jsonl").read_text() == ""


@pytest.mark.parametrize("damage", ["missing", "binary", "directory"])
def test_a_lost_log_costs_its_curve_and_no_more(run, damage):
    log = run.path / "metrics.jsonl"
    run.log({"step": 5, "total": 1.0})
    run.save_last(state(10), Progress())
    log.unlink()
    if damage == "directory":
        log.mkdir()
    elif damage == "binary":
        log.write_bytes(bytes(range(256)))
    assert read_log(run.path) == []
    run.restore_last(abstract(state(0)), network_mesh(1))
    run.log({"step": 15, "total": 0.5})
    assert [line["step"] for line in read_log(run.path)] == ([] if damage == "directory" else [15])
    assert log.is_dir() == (damage == "directory")


@pytest.mark.parametrize("name", ["metrics.json", "report.html"])
def test_a_directory_where_a_result_belongs_is_refused_at_once(run, name):
    (run.path / name).mkdir()
    assert_refused(lambda: check_directory(run.path, described()), name, "move it away")
    assert_refused(lambda: write_text(run.path / name, "text"), name, "move it away")


def test_final_metrics_are_sorted_numbers(run):
    run.write_metrics({"b": 2.0, "a": 1.0})
    assert list(json.loads((run.path / "metrics.json").read_text()).items()) == [("a", 1.0), ("b", 2.0)]


# damage


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: flip(largest(path)),
        lambda path: cut(largest(path)),
        lambda path: largest(path).unlink(),
        lambda path: [shutil.rmtree(part) for part in path.glob("*/[a-z]*") if part.is_dir()],
    ],
    ids=["flipped", "truncated", "missing file", "empty"],
)
@pytest.mark.parametrize("which", ["last", "best"])
@orbax_fails
def test_a_damaged_checkpoint_is_named_and_left_alone(run, which, damage):
    path = run.path / "checkpoints" / which
    if which == "last":
        run.save_last(state(4), Progress())
    else:
        run.save_best(4, netspace(state(4).params, constants()))
    damage(path)
    before = content(run.path)
    if which == "last":
        assert_refused_by_orbax(lambda: run.restore_last(abstract(state(0)), network_mesh(1)), path)
    else:  # it can be made again
        assert run.restore_best(abstract(netspace(state(0).params, constants())), 4) is None
        gc.collect()
    assert content(run.path) == before


@orbax_fails
def test_a_checkpoint_of_other_shapes_is_named(run):
    run.save_last(state(4), Progress())
    other = state(0).replace(params={"a": {"kernel": jnp.zeros((30, 41)), "bias": jnp.zeros(40)}})
    assert_refused_by_orbax(
        lambda: run.restore_last(abstract(other), network_mesh(1)), run.path / "checkpoints" / "last"
    )
    run.save_best(4, netspace(state(4).params, constants()))
    assert run.restore_best(abstract(netspace(other.params, constants())), 4) is None
    gc.collect()


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', '{"name": "x", "zoo": [], "netspace": {}}'])
def test_a_damaged_configuration_is_named(run, text):
    (run.path / "config.json").write_text(text)
    assert_refused(lambda: read_description(run.path), run.path / "config.json")
    assert_refused(lambda: RunDirectory(run.path, described()), run.path / "config.json")
    assert (run.path / "config.json").read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"name": "x"}',
        '{"name": "x", "zoo": [], "netspace": {}}',
        '{"name": "x", "domain": "images", "zoo": {"steps": "3"}, "netspace": {}}',
    ],
)
@pytest.mark.parametrize("fresh", [False, True])
def test_a_damaged_configuration_is_left_alone(run, text, fresh):
    (run.path / "config.json").write_text(text)
    run.log({"step": 1})
    before = content(run.path)
    if "steps" in text and fresh:  # a run, if one of another version: what it holds need not be known to delete it
        RunDirectory(run.path, described(), fresh)
        return
    assert_refused(lambda: RunDirectory(run.path, described(), fresh), run.path)
    assert content(run.path) == before


def test_a_record_of_another_version_is_named(run):
    """What an earlier or later version noted beside the state."""
    checkpoints.save(run.path / "checkpoints" / "last", 4, state(4), {"seconds": 1.0, "merit": 0.5})
    before = content(run.path)
    assert_refused(
        lambda: run.restore_last(abstract(state(0)), network_mesh(1)),
        run.path / "checkpoints" / "last",
        "merit",
        "another version",
    )
    assert content(run.path) == before


def test_a_run_behind_a_symbolic_link_starts_anew(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "run"
    link.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    run = RunDirectory(link, described())
    run.log({"step": 1})
    run.save_last(state(4), Progress())
    again = RunDirectory(link, described(changed(steps=50)), fresh=True)
    assert content(again.path).keys() == {Path("config.json")}
    assert read_description(link)["netspace"]["steps"] == 50
    again.log({"step": 1})
    assert (link / "metrics.jsonl").read_text() == '{"step": 1}\n'
    assert link.is_symlink() and content(tmp_path / "elsewhere") == content(link)


def test_a_field_that_came_later_had_its_default_in_an_older_run():
    old, new = described(), described()
    del old["netspace"]["skip"]
    defaults = {"netspace": {"skip": False}}
    assert differences(old, new, defaults) == []
    new["netspace"]["skip"] = True
    assert differences(old, new, defaults) == ["netspace.skip False → True"]
