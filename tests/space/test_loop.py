"""The loop of NetSpace's training: what is due at which step, and interrupted it is the same."""

import dataclasses
import json
import shutil

import chex
import jax
import numpy as np
import pytest

from netspace_jax.files import location
from netspace_jax.fit import fit_from_zoo, training_networks
from netspace_jax.ops.devices import network_mesh
from netspace_jax.runs import RunDirectory
from netspace_jax.runs.checkpoints import latest_step
from netspace_jax.space import step as one_step
from netspace_jax.space.loop import events
from netspace_jax.zoo import train_zoo
from tests import tiny
from tests.disk import Stop

CONFIG = tiny.netspace_config(steps=60, validations=3, log_every=20)


def test_events_log_and_validate_and_end_at_the_last_step():
    found = list(events(CONFIG, 0))
    assert [event.step for event in found if event.log] == [20, 40, 60]
    assert [event.step for event in found if event.validate] == [20, 40, 60]
    assert [event.step for event in events(CONFIG, 40)] == [60]
    uneven = list(events(dataclasses.replace(CONFIG, steps=50, validations=3), 0))
    assert [event.step for event in uneven if event.validate] == [17, 33, 50]
    assert uneven[-1].log and uneven[-1].validate


def test_windows_end_at_steps_of_their_own():
    found = list(events(CONFIG, 0, 25))
    assert [(event.step, event.log, event.validate) for event in found] == [
        (20, True, True),
        (25, False, False),
        (40, True, True),
        (50, False, False),
        (60, True, True),
    ]


# training

RUN = tiny.run_config(tiny.zoo_config(members=(24,)))


def changed(**changes):
    return dataclasses.replace(RUN, netspace=dataclasses.replace(RUN.netspace, **changes))


@pytest.fixture(scope="module")
def data():
    return tiny.dataset()


@pytest.fixture(scope="module")
def zoo(data, tmp_path_factory):
    return train_zoo(tmp_path_factory.mktemp("zoos") / "zoo", RUN.zoo, data, mesh=network_mesh(1))


@pytest.fixture(scope="module")
def train(zoo, data):
    def train(path, config=RUN, devices=1, *, on_progress=lambda step, steps, loss: None, select=None):
        """The best space."""
        space, _ = fit_from_zoo(
            zoo,
            data.behaviour,
            data,
            config=config.netspace,
            key=jax.random.key(config.netspace.seed),
            store=RunDirectory(path, dataclasses.asdict(config)),
            devices=devices,
            select=select,
            on_progress=on_progress,
        )
        return space

    return train


@pytest.fixture(scope="module")
def undisturbed(train, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "undisturbed"
    return train(path), path


def log(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def best_step(path):
    return latest_step(location(path) / "checkpoints" / "best")


def stopping_at(at):
    def interrupt(step, steps, loss):
        del steps, loss
        if step == at:
            raise Stop

    return interrupt


def test_the_loss_falls_and_is_logged(undisturbed):
    _, path = undisturbed
    lines = [line for line in log(path) if "total" in line]
    assert [line["step"] for line in lines] == list(range(5, 41, 5))
    assert lines[-1]["total"] < 0.7 * lines[0]["total"]
    assert [line["step"] for line in log(path) if "validation_gap" in line] == [10, 20, 30, 40]


def test_interrupted_it_is_the_same_bit_for_bit(undisturbed, train, tmp_path):
    """Interrupted before the first checkpoint, after it, and before the last: the same figures."""
    whole, path = undisturbed
    for stop in (5, 25, 40):
        with pytest.raises(Stop):
            train(tmp_path / "run", on_progress=stopping_at(stop))
    resumed = train(tmp_path / "run")
    assert log(tmp_path / "run") == log(path)
    assert best_step(tmp_path / "run") == best_step(path)
    chex.assert_trees_all_equal(resumed.params, whole.params)
    chex.assert_trees_all_equal(resumed.constants, whole.constants)
    chex.assert_trees_all_equal(resumed.embeddings, whole.embeddings)


@pytest.mark.parametrize("sign", [1, -1], ids=["the last is the best", "an earlier one is"])
def test_a_best_that_is_lost_is_made_again(train, tmp_path, sign):
    """From the last state, where that was the best, or by training again; a lost log costs a curve and no more."""

    def size(netspace):
        return sign * sum(float(np.square(leaf).sum()) for leaf in jax.tree.leaves(netspace.params))

    whole = train(tmp_path / "whole", select=size)
    with pytest.raises(Stop):
        train(tmp_path / "run", select=size, on_progress=stopping_at(25))
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "best")
    (tmp_path / "run" / "metrics.jsonl").write_bytes(b"\xff\x00\n" * 9)
    resumed = train(tmp_path / "run", select=size)
    assert best_step(tmp_path / "run") == best_step(tmp_path / "whole") == (40 if sign > 0 else 10)
    chex.assert_trees_all_equal(resumed.params, whole.params)
    assert log(tmp_path / "run")[-2:] == log(tmp_path / "whole")[-2:]


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
    assert best_step(tmp_path / "run") == best_step(path) and log(tmp_path / "run") == log(path)
    chex.assert_trees_all_equal(resumed.params, whole.params)


def test_a_finished_run_is_not_trained_again(undisturbed, train):
    whole, path = undisturbed
    before = {
        file: file.stat().st_mtime_ns for file in path.rglob("*") if "checkpoints" in file.parts and file.is_file()
    }
    again = train(path, on_progress=lambda *report: pytest.fail("something was trained"))
    chex.assert_trees_all_equal(again.params, whole.params)
    assert {file: file.stat().st_mtime_ns for file in before} == before


@pytest.mark.long
def test_interrupted_it_is_the_same_while_networks_come_from_disk(train, tmp_path):
    """With 8 of 11 training members in memory at a time, and 8 in a step: another window each step."""
    config = changed(resident=8, log_every=1)
    whole = train(tmp_path / "whole", config)
    with pytest.raises(Stop):
        train(tmp_path / "run", config, on_progress=stopping_at(25))
    resumed = train(tmp_path / "run", config)
    assert log(tmp_path / "run") == log(tmp_path / "whole")
    chex.assert_trees_all_equal(resumed.params, whole.params)
    totals = [line["total"] for line in log(tmp_path / "whole") if "total" in line]
    # Each figure is of one step, and so of the networks that its window holds: ten of them tell what falls.
    assert np.mean(totals[-10:]) < 0.8 * np.mean(totals[:10]), totals
    assert len(whole.embeddings["perceptron3"]) == 8


@pytest.mark.long
def test_interrupted_it_is_the_same_while_corrections_train(train, tmp_path):
    """Interrupted before the corrections begin to train, and after."""
    config = changed(corrections=1, correct_share=0.4)
    whole = train(tmp_path / "whole", config)
    for stop in (15, 35):
        with pytest.raises(Stop):
            train(tmp_path / "run", config, on_progress=stopping_at(stop))
    resumed = train(tmp_path / "run", config)
    assert log(tmp_path / "run") == log(tmp_path / "whole")
    assert best_step(tmp_path / "run") == best_step(tmp_path / "whole") > 24
    chex.assert_trees_all_equal(resumed.params, whole.params)


@pytest.mark.long
@pytest.mark.parametrize(("first", "then"), [(2, 1), pytest.param(8, 4, marks=pytest.mark.long)])
def test_a_run_goes_on_with_other_devices(undisturbed, train, tmp_path, first, then):
    """Begun on some devices, finished on others: the same to rounding."""
    _, path = undisturbed
    with pytest.raises(Stop):
        train(tmp_path / "run", devices=first, on_progress=stopping_at(15))
    train(tmp_path / "run", devices=then)
    ours, theirs = ([line["total"] for line in log(run) if "total" in line] for run in (tmp_path / "run", path))
    np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    np.testing.assert_allclose(ours[:3], theirs[:3], rtol=1e-5)


@pytest.mark.parametrize(("values", "best"), [((1.0, 3.0, 2.0, 3.0), 20), ((-4.0, -3.0, -2.0, -1.0), 40)])
def test_the_best_checkpoint_is_kept(train, tmp_path, values, best):
    """Of equals the first."""
    seen = {}

    def scripted(netspace):
        step = 10 * (len(seen) + 1)
        seen[step] = jax.device_get(netspace.params)
        return values[len(seen) - 1]

    space = train(tmp_path / "run", select=scripted)
    assert best_step(tmp_path / "run") == best
    assert [line["validation_gap"] for line in log(tmp_path / "run") if "validation_gap" in line] == list(values)
    chex.assert_trees_all_equal(jax.device_get(space.params), seen[best])
    for step in seen.keys() - {best}:
        pairs = zip(jax.tree.leaves(space.params), jax.tree.leaves(seen[step]), strict=True)
        assert any((np.asarray(a) != b).any() for a, b in pairs)


def test_all_pieces_of_training_are_traced_once(train, tmp_path, monkeypatch):
    chex.clear_trace_counter()
    monkeypatch.setattr(one_step, "loss_of_step", chex.assert_max_traces(one_step.loss_of_step, n=1))
    train(tmp_path / "run", changed(log_every=7, validations=3))
    assert [line["step"] for line in log(tmp_path / "run") if "total" in line] == [7, 14, 21, 28, 35, 40]


@pytest.mark.parametrize("select", ["gap", "agreement", "score"])
def test_the_last_figure_is_that_of_the_last_checkpoint(train, tmp_path, zoo, data, select):
    """What is logged of validation members is true of the space that comes out, where that is the last one."""
    config = changed(select=select, steps=4, validations=1)
    space = train(tmp_path / "run", config)
    logged = log(tmp_path / "run")[-1][f"validation_{select}"]
    apply = jax.jit(jax.vmap(tiny.perceptron().apply, (0, None)))
    examples = data.examples("validation")
    flats = zoo.networks("perceptron3", "validation").parameters
    through = np.stack([np.asarray(network.flat) for network in space.decode(space.encode(flats))])
    before, after = (np.asarray(apply(networks, examples.inputs)).argmax(-1) for networks in (flats, through))
    right, generated = ((said == np.asarray(examples.targets)).mean(1) for said in (before, after))
    expected = {
        "gap": -np.abs(right - generated).mean(),
        "agreement": (before == after).mean(),
        "score": generated.mean(),
    }
    np.testing.assert_allclose(logged, expected[select], atol=1e-6)


def test_only_as_many_members_train_as_asked_for(zoo):
    everyone = zoo.networks("perceptron3", "train")
    some = training_networks(dataclasses.replace(RUN.netspace, train_members=5), zoo, "perceptron3")
    assert some.members == everyone.members[:5]
    np.testing.assert_array_equal(some.parameters, everyone.parameters[:5])
    assert len(training_networks(RUN.netspace, zoo, "perceptron3").members) == len(everyone.members)
