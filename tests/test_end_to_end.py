"""The commands as a user runs them, on a tiny setting: from nothing to a report, interrupted, misused."""

import json
import re
import shutil
import signal
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from etils import epath

import netspace_jax
from netspace_jax import cli
from netspace_jax.zoo import open_zoo
from tests.commands import TINY, TINY_ZOO, metrics, refused, run, start


def test_a_run_leaves_what_the_design_says(finished_run):
    directory = finished_run / "runs" / "digits"
    values = json.loads((directory / "metrics.json").read_text())
    wanted = (
        "seconds/total",
        "zoo/seconds",
        "zoo/members",
        "zoo/accuracy_min",
        "zoo/accuracy_mean",
        "zoo/accuracy_max",
        "reconstruct/gap_train",
        "reconstruct/gap_test",
        "reconstruct/agreement_test",
        "reconstruct/kendall_tau_test",
        "reconstruct/accuracy_test",
        "interpolate/latent_min",
        "interpolate/weights_min",
    )
    assert set(wanted) <= values.keys()
    assert values["zoo/members"] == 24
    assert all(0 <= values[name] <= 1 for name in wanted if "accuracy" in name or "gap" in name)
    for name in ("reconstruct", "interpolate", "embeddings", "prep", "training"):
        assert (directory / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "total" in line] == list(range(10, 61, 10))


def test_the_report_stands_alone(finished_run):
    page = (finished_run / "runs" / "digits" / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 5
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)


def test_the_same_command_again_only_says_what_there_is(finished_run, monkeypatch, capsys):
    """Also by another path of the run; with another refinement there is something to make."""
    monkeypatch.chdir(finished_run)
    made = []
    monkeypatch.setattr(
        "netspace_jax.jobs.train", lambda *_, **__: made.append(1) or epath.Path("runs/digits/report.html")
    )
    written = Path("runs/digits/report.html").stat().st_mtime_ns
    for flags in ([], ["--out", str(finished_run / "runs" / "digits")]):
        cli.train([*TINY, *flags])
        lines = capsys.readouterr().out.splitlines()
        assert "--again" in lines[0] and f"report: {Path('runs/digits/report.html')}" in lines and not made
        assert any(line.startswith("reconstruct/agreement_test 0.") for line in lines) and lines[-1].startswith(
            "next: "
        )
    assert Path("runs/digits/report.html").stat().st_mtime_ns == written
    for flags in (["--again"], ["--refine.steps=7"]):
        made.clear()
        cli.train([*TINY, *flags])
        assert made


@pytest.mark.long
def test_a_finished_run_is_only_evaluated_again(finished_run, tmp_path):
    """And keeps the seconds of the run that trained."""
    shutil.copytree(finished_run, tmp_path, dirs_exist_ok=True)
    directory = tmp_path / "runs" / "digits"
    before = json.loads((directory / "metrics.json").read_text())
    zoo = next((tmp_path / "zoos").iterdir())
    written = (zoo / "members.csv").stat().st_mtime_ns
    log = (directory / "metrics.jsonl").read_text()
    status, _, err = run("train.py", *TINY, "--again", cwd=tmp_path)
    assert status == 0, err
    after = json.loads((directory / "metrics.json").read_text())
    clock = {name for name in before if "seconds" in name} - {"seconds/total"}
    assert {name: value for name, value in after.items() if name not in clock} == {
        name: value for name, value in before.items() if name not in clock
    }
    assert (zoo / "members.csv").stat().st_mtime_ns == written
    assert (directory / "metrics.jsonl").read_text() == log


def test_a_section_can_be_made_again(finished_run, tmp_path, monkeypatch, capsys):
    """In this process, which has other devices: the figure is the same but for rounding."""
    shutil.copytree(finished_run, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    cli.evaluate(["reconstruct", "runs/digits"])
    (shown,) = re.findall(r"reconstruct/gap_test (\S+)", capsys.readouterr().out)
    assert float(shown) == pytest.approx(metrics(Path("runs/digits"))["reconstruct/gap_test"], abs=2e-3)


def test_a_finished_run_holds_its_space(finished_run):
    """Which needs nothing beside it, wherever it is moved; and what the run is says which zoo it came from."""
    directory = finished_run / "runs" / "digits"
    space = netspace_jax.load(directory)
    (zoo,) = (finished_run / "zoos").iterdir()
    members = open_zoo(zoo).networks("lenetlike", "train")
    assert {name: z.shape for name, z in space.embeddings.items()} == {"lenetlike": (len(members.members), 16)}
    np.testing.assert_allclose(space.encode(members.parameters[0]), space.embeddings["lenetlike"][0], atol=1e-4)
    description = json.loads((directory / "config.json").read_text())
    assert (description["name"], description["domain"], description["zoo_folder"]) == ("digits", "images", zoo.name)


def test_presets_with_the_same_zoo_share_it(finished_run, tmp_path, monkeypatch, capsys):
    shutil.copytree(finished_run / "zoos", tmp_path / "zoos")
    monkeypatch.chdir(tmp_path)
    (zoo,) = Path("zoos").iterdir()
    assert re.fullmatch(r"digits-lenetlike-[0-9a-f]{8}", zoo.name)
    written = (zoo / "members.csv").stat().st_mtime_ns
    cli.zoo(["digits-large", *TINY_ZOO])
    assert capsys.readouterr().out == f"zoo: {zoo}\n"
    assert (zoo / "members.csv").stat().st_mtime_ns == written and len(list(Path("zoos").iterdir())) == 1


def test_what_cannot_be_evaluated_is_refused(finished_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(finished_run)
    said = refused(capsys, cli.evaluate, "meshes", "runs/digits")
    assert "'meshes'" in said and "reconstruct" in said
    unfinished = tmp_path / "digits"
    unfinished.mkdir()
    shutil.copy(finished_run / "runs" / "digits" / "config.json", unfinished)
    assert "no finished run" in refused(capsys, cli.evaluate, "reconstruct", unfinished)


def test_zoo_show_tells_what_is_in_one(finished_run, capsys):
    cli.zoo(["show", str(next((finished_run / "zoos").iterdir()))])
    out = capsys.readouterr().out
    assert "24 networks" in out and "lenetlike" in out and "test" in out


def killed(place, mark, number):
    """The command, ended by a signal as soon as a file of its own is there, and what it said."""
    process = start("train.py", *TINY, "--out", "runs/mine", cwd=place)
    deadline = time.monotonic() + 300
    while not list(place.glob(mark)):
        assert process.poll() is None, "the command ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(number)
    _, said = process.communicate()
    assert "Traceback" not in said and not (place / "runs" / "mine" / "report.html").exists()
    return process.returncode, said


@pytest.mark.long
def test_killed_and_run_again_equals_undisturbed(finished_run, tmp_path):
    """Once within the zoo, once within NetSpace. And a run is called what the last part of --out is."""
    status, said = killed(tmp_path, "zoos/*/chunks/*.csv", signal.SIGKILL)
    assert status == -signal.SIGKILL and "error: " not in said
    last = "runs/mine/checkpoints/last/[0-9]*/_CHECKPOINT_METADATA"
    status, said = killed(tmp_path, last, signal.SIGTERM)
    assert status == 128 + signal.SIGTERM and said.count("error: ") == 1
    status, _, err = run("train.py", *TINY, "--out", "runs/mine", cwd=tmp_path)
    assert status == 0, err
    mine, undisturbed = tmp_path / "runs" / "mine", finished_run / "runs" / "digits"
    assert metrics(mine) == metrics(undisturbed)
    assert (mine / "metrics.jsonl").read_text() == (undisturbed / "metrics.jsonl").read_text()
    assert json.loads((mine / "config.json").read_text())["name"] == "mine"
    assert "NetSpace: mine" in (mine / "report.html").read_text()


def test_interrupted_while_it_imports_it_says_so(tmp_path):
    process = start("train.py", *TINY, cwd=tmp_path)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 128 + signal.SIGINT and said.startswith("error: interrupted") and said.count("\n") == 1


def parameters(directory):
    """Parameters of all members of the one zoo there, by index."""
    zoo = open_zoo(next((directory / "zoos").iterdir()))
    rows = {
        member.index: row
        for members, chunk in zoo.chunks("lenetlike")
        for member, row in zip(members, chunk, strict=True)
    }
    return np.stack([rows[index] for index in sorted(rows)])


@pytest.mark.long
def test_two_processes_make_what_one_makes(finished_run, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        hosts = (
            "--hosts.coordinator",
            f"127.0.0.1:{free.getsockname()[1]}",
            "--hosts.processes",
            "2",
            "--hosts.process",
        )
    processes = [start("train.py", *TINY, *hosts, index, cwd=tmp_path, devices=2) for index in range(2)]
    outputs = [process.communicate(timeout=400) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert "NetSpace:" in outputs[0][1] and "NetSpace:" not in outputs[1][1]  # progress on the first
    np.testing.assert_allclose(parameters(tmp_path), parameters(finished_run), atol=5e-6)
    ours, theirs = (metrics(directory / "runs" / "digits") for directory in (tmp_path, finished_run))
    assert ours.keys() == theirs.keys()
    for name in ("zoo/accuracy_mean", "reconstruct/gap_test", "reconstruct/agreement_test"):
        assert abs(ours[name] - theirs[name]) < 0.02


def test_another_configuration_is_refused_by_field(finished_run, monkeypatch, capsys):
    monkeypatch.chdir(finished_run)
    before = (finished_run / "runs" / "digits" / "config.json").read_text()
    said = refused(capsys, cli.train, *TINY, "--netspace.seed", "1")
    assert "netspace.seed 0 → 1" in said and "--fresh" in said
    assert (finished_run / "runs" / "digits" / "config.json").read_text() == before


def test_a_damaged_zoo_is_named_and_left_alone(finished_run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(finished_run / "zoos", tmp_path / "zoos")
    table = next((tmp_path / "zoos").glob("*/members.csv"))
    text = table.read_text()
    table.write_text(text[: len(text) // 2])
    assert "members.csv" in refused(capsys, cli.train, *TINY)
    assert table.read_text() == text[: len(text) // 2]
