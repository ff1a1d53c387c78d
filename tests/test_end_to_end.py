"""The commands as a user runs them, on a tiny setting: from nothing to a report, interrupted, misused."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import netspace_jax
from netspace_jax import cli
from netspace_jax.zoo import open_zoo

ROOT = Path(__file__).resolve().parents[1]
TINY = [
    "--zoo.members",
    "24",
    "--zoo.steps",
    "30",
    "--zoo.chunk",
    "8",
    "--zoo.validation",
    "4",
    "--zoo.test",
    "4",
    "--netspace.networks",
    "4",
    "--netspace.batch",
    "16",
    "--netspace.hidden",
    "32",
    "--netspace.embedding",
    "16",
    "--netspace.probes",
    "8",
    "--netspace.steps",
    "60",
    "--netspace.rank",
    "0",
    "--netspace.corrections",
    "0",
    "--refine.steps",
    "0",
    "--netspace.validations",
    "3",
    "--netspace.log-every",
    "10",
    "--no-explorer",
]


def start(script, *arguments, cwd, devices=0):
    """The command, begun; on so many CPU devices, or as many as it chooses itself."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    environment.pop("XLA_FLAGS", None)
    if devices:
        environment["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, str(ROOT / script), *map(str, arguments)],
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def run(script, *arguments, cwd):
    """Exit status, standard output and standard error of the command."""
    process = start(script, *arguments, cwd=cwd)
    out, err = process.communicate(timeout=400)
    return process.returncode, out, err


def metrics(directory):
    """The final figures, but for what the clock says."""
    values = json.loads((directory / "metrics.json").read_text())
    return {name: value for name, value in values.items() if "seconds" not in name}


def refused(capsys, command, *arguments):
    """The one line that a command, run in this process, ends with: status 2."""
    with pytest.raises(SystemExit) as ended:
        command(list(map(str, arguments)))
    said = capsys.readouterr().err
    assert ended.value.code == 2 and said.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in said
    return said.splitlines()[-1]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A finished tiny run, begun by two processes at once, and where it was made."""
    cwd = tmp_path_factory.mktemp("undisturbed")
    both = [start("train.py", *TINY, cwd=cwd) for _ in range(2)]
    ended = [(*process.communicate(timeout=400), process.returncode) for process in both]
    (out, err, status), (_, second, refused) = sorted(ended, key=lambda one: one[2])
    assert status == 0, err
    # Whoever came second was told in one line who writes, and changed nothing.
    assert refused == 2 and second.count("error: ") == 1 and "has been writing" in second, second
    assert out.splitlines()[-1] == f"report: {Path('runs/digits/report.html')}"
    return cwd


def test_a_run_leaves_what_the_design_says(undisturbed):
    directory = undisturbed / "runs" / "digits"
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


def test_the_report_stands_alone(undisturbed):
    page = (undisturbed / "runs" / "digits" / "report.html").read_text()
    assert page.count("data:image/png;base64,") >= 5
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)


def test_a_finished_run_is_only_evaluated_again(undisturbed):
    """And keeps the seconds of the run that trained."""
    directory = undisturbed / "runs" / "digits"
    before = json.loads((directory / "metrics.json").read_text())
    zoo = next((undisturbed / "zoos").iterdir())
    written = (zoo / "members.csv").stat().st_mtime_ns
    log = (directory / "metrics.jsonl").read_text()
    status, _, err = run("train.py", *TINY, cwd=undisturbed)
    assert status == 0, err
    after = json.loads((directory / "metrics.json").read_text())
    clock = {name for name in before if "seconds" in name} - {"seconds/total"}
    assert {name: value for name, value in after.items() if name not in clock} == {
        name: value for name, value in before.items() if name not in clock
    }
    assert (zoo / "members.csv").stat().st_mtime_ns == written
    assert (directory / "metrics.jsonl").read_text() == log


def test_a_section_can_be_made_again(undisturbed):
    status, out, err = run("eval", "reconstruct", "runs/digits", cwd=undisturbed)
    assert status == 0, err
    wanted = json.loads((undisturbed / "runs" / "digits" / "metrics.json").read_text())["reconstruct/gap_test"]
    assert f"reconstruct/gap_test {wanted:.4f}" in out


def test_a_finished_run_holds_its_space(undisturbed):
    """Which needs nothing beside it, wherever it is moved; and what the run is says which zoo it came from."""
    directory = undisturbed / "runs" / "digits"
    space = netspace_jax.load(directory)
    (zoo,) = (undisturbed / "zoos").iterdir()
    members = open_zoo(zoo).networks("lenetlike", "train")
    assert {name: z.shape for name, z in space.embeddings.items()} == {"lenetlike": (len(members.members), 16)}
    np.testing.assert_allclose(space.encode(members.parameters[0]), space.embeddings["lenetlike"][0], atol=1e-4)
    description = json.loads((directory / "config.json").read_text())
    assert (description["name"], description["domain"], description["zoo_folder"]) == ("digits", "images", zoo.name)


def test_presets_with_the_same_zoo_share_it(undisturbed):
    """And a run is called what the last part of --out is."""
    (zoo,) = (undisturbed / "zoos").iterdir()
    assert re.fullmatch(r"digits-lenetlike-[0-9a-f]{8}", zoo.name)
    written = (zoo / "members.csv").stat().st_mtime_ns
    status, _, err = run("train.py", "digits-large", *TINY, "--out", "elsewhere/mine", cwd=undisturbed)
    assert status == 0, err
    assert [path.name for path in (undisturbed / "zoos").iterdir()] == [zoo.name]
    assert (zoo / "members.csv").stat().st_mtime_ns == written
    assert json.loads((undisturbed / "elsewhere" / "mine" / "config.json").read_text())["name"] == "mine"
    assert "NetSpace: mine" in (undisturbed / "elsewhere" / "mine" / "report.html").read_text()


def test_what_cannot_be_evaluated_is_refused(undisturbed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(undisturbed)
    said = refused(capsys, cli.evaluate, "meshes", "runs/digits")
    assert "'meshes'" in said and "reconstruct" in said
    unfinished = tmp_path / "digits"
    unfinished.mkdir()
    shutil.copy(undisturbed / "runs" / "digits" / "config.json", unfinished)
    assert "no finished run" in refused(capsys, cli.evaluate, "reconstruct", unfinished)


def test_zoo_show_tells_what_is_in_one(undisturbed, capsys):
    cli.zoo(["show", str(next((undisturbed / "zoos").iterdir()))])
    out = capsys.readouterr().out
    assert "24 networks" in out and "lenetlike" in out and "test" in out


@pytest.mark.parametrize("stage", ["zoo", "netspace"])
def test_killed_and_run_again_equals_undisturbed(undisturbed, tmp_path, stage):
    process = start("train.py", *TINY, cwd=tmp_path)
    marks = {"zoo": "zoos/*/chunks/*.csv", "netspace": "runs/digits/checkpoints/last/[0-9]*/_CHECKPOINT_METADATA"}
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(marks[stage])):
        assert process.poll() is None, "the command ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    number = {"zoo": signal.SIGKILL, "netspace": signal.SIGTERM}[stage]
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == {signal.SIGKILL: -number, signal.SIGTERM: 128 + number}[number]
    assert said.count("error: ") == (number == signal.SIGTERM) and "Traceback" not in said
    assert not (tmp_path / "runs" / "digits" / "report.html").exists()
    status, _, err = run("train.py", *TINY, cwd=tmp_path)
    assert status == 0, err
    assert metrics(tmp_path / "runs" / "digits") == metrics(undisturbed / "runs" / "digits")
    log = Path("runs", "digits", "metrics.jsonl")
    assert (tmp_path / log).read_text() == (undisturbed / log).read_text()


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


def test_two_processes_make_what_one_makes(undisturbed, tmp_path):
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
    np.testing.assert_allclose(parameters(tmp_path), parameters(undisturbed), atol=5e-6)
    ours, theirs = (metrics(directory / "runs" / "digits") for directory in (tmp_path, undisturbed))
    assert ours.keys() == theirs.keys()
    for name in ("zoo/accuracy_mean", "reconstruct/gap_test", "reconstruct/agreement_test"):
        assert abs(ours[name] - theirs[name]) < 0.02


def test_another_configuration_is_refused_by_field(undisturbed, monkeypatch, capsys):
    monkeypatch.chdir(undisturbed)
    before = (undisturbed / "runs" / "digits" / "config.json").read_text()
    said = refused(capsys, cli.train, *TINY, "--netspace.seed", "1")
    assert "netspace.seed 0 → 1" in said and "--fresh" in said
    assert (undisturbed / "runs" / "digits" / "config.json").read_text() == before


def test_a_damaged_zoo_is_named_and_left_alone(undisturbed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(undisturbed / "zoos", tmp_path / "zoos")
    table = next((tmp_path / "zoos").glob("*/members.csv"))
    text = table.read_text()
    table.write_text(text[: len(text) // 2])
    assert "members.csv" in refused(capsys, cli.train, *TINY)
    assert table.read_text() == text[: len(text) // 2]
