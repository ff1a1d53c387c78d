"""Run directories: what is saved comes back, another configuration is refused by field, damage is named."""

import dataclasses
import json
import shutil
from pathlib import Path

import chex
import jax
import jax.numpy as jnp
import pytest

from netspace_jax.config import RunConfig
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh, put_everywhere
from netspace_jax.runs.directory import Progress, RunDirectory, differences, read_config, restore_best
from netspace_jax.space.netspace import Constants
from netspace_jax.space.training import TrainState
from tests import tiny

CONFIG = RunConfig("tiny", tiny.zoo_config(), tiny.netspace_config())


def changed(**changes):
    return dataclasses.replace(CONFIG, netspace=dataclasses.replace(CONFIG.netspace, **changes))


def state(step, seed=0):
    drawn = jax.random.normal(jax.random.key(seed), (30, 40))
    return TrainState({"a": {"kernel": drawn, "bias": drawn[0]}}, {"mu": 2 * drawn}, jnp.int32(step))


def constants(seed=0):
    drawn = jax.random.normal(jax.random.key(seed + 100), (3, 4))
    return Constants(drawn, drawn[None], -drawn[None])


def abstract(tree):
    return jax.eval_shape(lambda: tree)


def assert_refused(act, *words):
    with pytest.raises(InputError) as error:
        act()
    assert "\n" not in str(error.value)
    for word in words:
        assert str(word) in str(error.value)


def content(directory):
    return {path.relative_to(directory): path.read_bytes() for path in sorted(Path(directory).rglob("*")) if path.is_file()}


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path / "run", CONFIG)


# whose it is


def test_a_run_knows_its_configuration(run):
    assert read_config(run.path) == CONFIG
    RunDirectory(run.path, CONFIG)


def test_another_configuration_is_refused_by_field(run):
    (run.path / "metrics.jsonl").write_text("{}\n")
    before = content(run.path)
    other = dataclasses.replace(changed(steps=50, seed=2), zoo=tiny.zoo_config(members=(21,)))
    assert_refused(lambda: RunDirectory(run.path, other), run.path, "netspace.steps 40 → 50", "netspace.seed 0 → 2",
                   "zoo.members (20,) → (21,)", "--fresh")
    assert content(run.path) == before


def test_where_the_data_lies_does_not_matter(run):
    RunDirectory(run.path, dataclasses.replace(CONFIG, zoo=tiny.zoo_config(data_dir="/elsewhere")))
    assert differences(CONFIG, CONFIG) == []


def test_fresh_starts_anew(run):
    run.log({"step": 1})
    again = RunDirectory(run.path, changed(steps=50), fresh=True)
    assert content(again.path).keys() == {(again.path / "config.json").relative_to(again.path)}
    assert read_config(again.path).netspace.steps == 50


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(("name", "text"), [("notes.txt", "mine"), ("config.json", '{"model_type": "bert"}'),
                                            ("config.json", "[]"), ("config.json", "{")])
def test_what_is_no_run_is_left_alone(tmp_path, fresh, name, text):
    (tmp_path / name).write_text(text)
    (tmp_path / "weights.bin").write_text("precious")
    before = content(tmp_path)
    assert_refused(lambda: RunDirectory(tmp_path, CONFIG, fresh), tmp_path)
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
    assert_refused(lambda: restore_best(run.path, {}, constants()), run.path, "no finished run")


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
        run.save_best(step, state(step, seed).params, constants(seed))
    params, found, step = restore_best(run.path, abstract(state(0).params), abstract(constants()))
    assert step == 8
    chex.assert_trees_all_equal((params, found), (state(8, 3).params, constants(3)))


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


def test_final_metrics_are_sorted_numbers(run):
    run.write_metrics({"b": 2.0, "a": 1.0})
    assert list(json.loads((run.path / "metrics.json").read_text()).items()) == [("a", 1.0), ("b", 2.0)]


# damage


def largest(directory):
    return max((path for path in Path(directory).rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def cut(path):
    path.write_bytes(path.read_bytes()[:path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [
    lambda path: flip(largest(path)), lambda path: cut(largest(path)), lambda path: largest(path).unlink(),
    lambda path: [shutil.rmtree(part) for part in path.glob("*/[a-z]*") if part.is_dir()],
], ids=["flipped", "truncated", "missing file", "empty"])
@pytest.mark.parametrize("which", ["last", "best"])
def test_a_damaged_checkpoint_is_named_and_left_alone(run, which, damage):
    path = run.path / "checkpoints" / which
    if which == "last":
        run.save_last(state(4), Progress())
    else:
        run.save_best(4, state(4).params, constants())
    damage(path)
    before = content(run.path)
    if which == "last":
        assert_refused(lambda: run.restore_last(abstract(state(0)), network_mesh(1)), path, "--fresh")
    else:
        assert_refused(lambda: restore_best(run.path, abstract(state(0).params), abstract(constants())), path, "--fresh")
    assert content(run.path) == before


def test_a_checkpoint_of_other_shapes_is_named(run):
    run.save_last(state(4), Progress())
    other = state(0).replace(params={"a": {"kernel": jnp.zeros((30, 41)), "bias": jnp.zeros(40)}})
    assert_refused(lambda: run.restore_last(abstract(other), network_mesh(1)), run.path / "checkpoints" / "last")
    run.save_best(4, state(4).params, constants())
    assert_refused(lambda: restore_best(run.path, abstract(other.params), abstract(constants())), run.path / "checkpoints" / "best")


@pytest.mark.parametrize("text", ["", "[]", '{"name": "x"}', '{"name": "x", "zoo": [], "netspace": {}}',
                                  '{"name": "x", "zoo": {"steps": "3"}, "netspace": {}}'])
def test_a_damaged_configuration_is_named(run, text):
    (run.path / "config.json").write_text(text)
    assert_refused(lambda: read_config(run.path), run.path / "config.json")
    assert_refused(lambda: RunDirectory(run.path, CONFIG), run.path / "config.json")
    assert (run.path / "config.json").read_text() == text
