"""From a zoo to a NetSpace that can be used: interrupted it is the same, and the best checkpoint is the one kept."""

import copy
import dataclasses
import json

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax.config import RunConfig
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh
from netspace_jax.runs import pipeline
from netspace_jax.runs.directory import RunDirectory
from netspace_jax.space.loss import Objective
from netspace_jax.zoo.train import train_zoo
from tests import tiny

CONFIG = RunConfig("tiny", tiny.zoo_config(members=(24,)), tiny.netspace_config())


class Stop(Exception):
    """Stands for whatever ends a process."""


@pytest.fixture(scope="module")
def task():
    return tiny.task()


@pytest.fixture(scope="module")
def zoo(task, tmp_path_factory):
    return train_zoo(tmp_path_factory.mktemp("zoos") / "zoo", CONFIG.zoo, task, ("",), network_mesh(1))


@pytest.fixture(scope="module")
def train(zoo, task):
    def train(path, config=CONFIG, devices=1, on_progress=lambda step, steps, loss: None):
        directory = RunDirectory(path, config)
        pipeline.train_netspace(config, zoo, task, directory, network_mesh(devices), on_progress)
        return pipeline.open_run(config, path, zoo, task)

    return train


@pytest.fixture(scope="module")
def undisturbed(train, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "undisturbed"
    return train(path), path


def log(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def test_the_loss_falls_and_is_logged(undisturbed):
    _, path = undisturbed
    lines = [line for line in log(path) if "total" in line]
    assert [line["step"] for line in lines] == list(range(5, 41, 5))
    assert lines[-1]["total"] < 0.7 * lines[0]["total"]
    assert [line["step"] for line in log(path) if "validation_gap" in line] == [10, 20, 30, 40]


def test_interrupted_it_is_the_same_bit_for_bit(undisturbed, train, tmp_path):
    """Interrupted before the first checkpoint, after it, and before the last: parameters, best step and every logged figure."""
    whole, path = undisturbed

    for stop in (5, 25, 40):
        def interrupt(step, steps, loss, stop=stop):
            if step == stop:
                raise Stop

        with pytest.raises(Stop):
            train(tmp_path / "run", on_progress=interrupt)
    resumed = train(tmp_path / "run")
    assert log(tmp_path / "run") == log(path)
    assert resumed.step == whole.step
    chex.assert_trees_all_equal(resumed.params, whole.params)
    chex.assert_trees_all_equal(resumed.constants, whole.constants)


def test_killed_between_two_writes_it_is_the_same(undisturbed, train, tmp_path, monkeypatch):
    """After the best checkpoint was written and before the state to go on from."""
    whole, path = undisturbed
    original = RunDirectory.save_last

    def dies(self, state, progress):
        if int(state.step) == 20:
            raise Stop
        original(self, state, progress)

    with monkeypatch.context() as patched, pytest.raises(Stop):
        patched.setattr(RunDirectory, "save_last", dies)
        train(tmp_path / "run")
    resumed = train(tmp_path / "run")
    assert resumed.step == whole.step and log(tmp_path / "run") == log(path)
    chex.assert_trees_all_equal(resumed.params, whole.params)


def test_a_finished_run_is_not_trained_again(undisturbed, train):
    whole, path = undisturbed
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*") if "checkpoints" in file.parts and file.is_file()}
    again = train(path, on_progress=lambda *report: pytest.fail("something was trained"))
    chex.assert_trees_all_equal(again.params, whole.params)
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_interrupted_it_is_the_same_while_networks_come_from_disk(train, tmp_path):
    """With 8 of 11 training members in memory at a time, and 8 in a step: another window each step."""
    config = dataclasses.replace(CONFIG, netspace=dataclasses.replace(CONFIG.netspace, resident=8))

    def interrupt(step, steps, loss):
        if step == 25:
            raise Stop

    whole = train(tmp_path / "whole", config)
    with pytest.raises(Stop):
        train(tmp_path / "run", config, on_progress=interrupt)
    resumed = train(tmp_path / "run", config)
    assert log(tmp_path / "run") == log(tmp_path / "whole")
    chex.assert_trees_all_equal(resumed.params, whole.params)
    totals = [line["total"] for line in log(tmp_path / "whole") if "total" in line]
    assert totals[-1] < 0.8 * totals[0]
    assert len(whole.networks(0, "train").members) == 8


@pytest.mark.parametrize(("first", "then"), [(2, 1), (8, 4)])
def test_a_run_goes_on_with_other_devices(undisturbed, train, tmp_path, first, then):
    """Begun on some devices, finished on others: the same to rounding."""
    whole, path = undisturbed

    def interrupt(step, steps, loss):
        if step == 15:
            raise Stop

    with pytest.raises(Stop):
        train(tmp_path / "run", devices=first, on_progress=interrupt)
    train(tmp_path / "run", devices=then)
    ours, theirs = ([line["total"] for line in log(run) if "total" in line] for run in (tmp_path / "run", path))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    np.testing.assert_allclose(ours[:3], theirs[:3], rtol=1e-5)


@pytest.mark.parametrize(("merits", "best"), [((1.0, 3.0, 2.0, 3.0), 20), ((-4.0, -3.0, -2.0, -1.0), 40)])
def test_the_best_checkpoint_is_kept(train, tmp_path, monkeypatch, merits, best):
    """Of equals the first."""
    seen = {}

    def scripted(config, netspace, state, data, validation):
        seen[int(state.step)] = jax.device_get(state.params)
        return merits[len(seen) - 1]

    monkeypatch.setattr(pipeline, "_merit", scripted)
    trained = train(tmp_path / "run")
    assert trained.step == best
    chex.assert_trees_all_equal(jax.device_get(trained.params), seen[best])
    assert any((np.asarray(a) != b).any() for step in seen if step != best
               for a, b in zip(jax.tree.leaves(trained.params), jax.tree.leaves(seen[step]), strict=True))


def test_all_pieces_of_training_are_traced_once(train, tmp_path, monkeypatch):
    chex.clear_trace_counter()
    monkeypatch.setattr(Objective, "__call__", chex.assert_max_traces(Objective.__call__, n=1))
    uneven = dataclasses.replace(CONFIG, netspace=dataclasses.replace(CONFIG.netspace, log_every=7, evaluations=3))
    train(tmp_path / "run", uneven)
    assert [line["step"] for line in log(tmp_path / "run") if "total" in line] == [7, 14, 21, 28, 35, 40]


@pytest.mark.parametrize(("select", "field"), [("gap", "gap"), ("agreement", "agreement"), ("score", "generated_score")])
def test_merit_is_what_the_configuration_says(undisturbed, train, tmp_path, zoo, task, select, field):
    """The last figure logged is that of the validation members, by the state that training ended with."""
    config = dataclasses.replace(CONFIG, netspace=dataclasses.replace(CONFIG.netspace, select=select, steps=4, evaluations=1))
    trained = train(tmp_path / "run", config)
    merit = log(tmp_path / "run")[-1][f"validation_{select}"]
    apply = jax.jit(jax.vmap(tiny.perceptron().apply, (0, None)))
    space, examples = trained.netspace, task.examples("validation", jnp.int32(0))
    flats = jnp.asarray(zoo.networks("perceptron3", "validation").parameters)

    @jax.jit
    @jax.vmap
    def through(flat):
        return space.decode(trained.params, trained.constants, space.encode(trained.params, trained.constants, task, flat, 0), 0)

    before, after = (np.asarray(apply(networks, examples.inputs)).argmax(-1) for networks in (flats, through(flats)))
    right, generated = ((said == np.asarray(examples.targets)).mean(1) for said in (before, after))
    expected = {"gap": -np.abs(right - generated).mean(), "agreement": (before == after).mean(), "generated_score": generated.mean()}
    np.testing.assert_allclose(merit, expected[field], atol=1e-6)


@pytest.mark.parametrize("select", ["gap", "agreement", "score"])
def test_members_that_are_named_another_architecture_cost_their_share(train, zoo, tmp_path, monkeypatch, select):
    config = dataclasses.replace(CONFIG, netspace=dataclasses.replace(CONFIG.netspace, select=select, steps=4, evaluations=1))
    train(tmp_path / "right", config)
    monkeypatch.setattr("netspace_jax.metrics.reconstruction.predicted_kinds", lambda netspace, params, z: np.arange(len(z)) % 2)
    train(tmp_path / "wrong", config)
    right, wrong = (log(tmp_path / name)[-1][f"validation_{select}"] for name in ("right", "wrong"))
    members = len(zoo.networks("perceptron3", "validation").parameters)
    assert members > 1
    np.testing.assert_allclose(right - wrong, members // 2 / members, atol=1e-6)


# before anything trains


def test_where_a_zoo_lies_says_what_made_it(task, tmp_path):
    here = pipeline.zoo_directory(CONFIG.zoo, "tiny", task, tmp_path)
    assert here.parent == tmp_path and here.name.startswith("tiny-")
    other_images = copy.copy(task).replace(test=task.validation)
    for config, images in ((dataclasses.replace(CONFIG.zoo, seed=1), task), (CONFIG.zoo, other_images)):
        assert pipeline.zoo_directory(config, "tiny", images, tmp_path) != here
    elsewhere = dataclasses.replace(CONFIG.zoo, data_dir="/elsewhere")
    assert pipeline.zoo_directory(elsewhere, "tiny", task, tmp_path) == here


def test_unknown_architectures_are_refused_with_the_nearest_names(task):
    config = dataclasses.replace(CONFIG, zoo=dataclasses.replace(CONFIG.zoo, architectures=("perceptron33",)))
    with pytest.raises(InputError, match="unknown architecture 'perceptron33'.*perceptron3"):
        pipeline.check_run(config, task)


@pytest.mark.parametrize(("change", "said"), [
    ({"test": 0}, "'test'.*at least 2.*--zoo.test"), ({"test": 1}, "'test'.*at least 2"), ({"test": 0.001}, "'test'"),
    ({"validation": 0}, "'validation'.*at least 1"), ({"validation": 12, "test": 11}, "'train'.*at least 2.*--zoo.members")])
def test_splits_that_are_too_small_are_refused_before_anything_trains(task, change, said):
    with pytest.raises(InputError, match=said):
        pipeline.check_run(dataclasses.replace(CONFIG, zoo=dataclasses.replace(CONFIG.zoo, **change)), task)


def test_training_members_are_those_that_were_shown(undisturbed, zoo):
    trained = dataclasses.replace(undisturbed[0])
    everyone = zoo.networks("perceptron3", "train")
    assert trained.networks(0, "train").members == everyone.members and trained.networks(0, "train") is trained.networks(0, "train")
    netspace = dataclasses.replace(trained.config.netspace, train_members=5)
    few = dataclasses.replace(trained, config=dataclasses.replace(trained.config, netspace=netspace))
    assert few.networks(0, "train").members == everyone.members[:5]
    assert few.networks(0, "test").members == zoo.networks("perceptron3", "test").members


def test_only_as_many_members_train_as_asked_for(zoo):
    everyone = zoo.networks("perceptron3", "train")
    some = pipeline.training_networks(dataclasses.replace(CONFIG.netspace, train_members=5), zoo, "perceptron3")
    assert some.members == everyone.members[:5]
    np.testing.assert_array_equal(some.parameters, everyone.parameters[:5])
    assert len(pipeline.training_networks(CONFIG.netspace, zoo, "perceptron3").members) == len(everyone.members)
