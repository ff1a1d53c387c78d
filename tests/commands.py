"""The commands as a user runs them, on a tiny setting, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netspace_jax import evaluations
from netspace_jax.domain import domain

ROOT = Path(__file__).resolve().parents[1]
TINY_ZOO = ["--zoo.members=24", "--zoo.steps=30", "--zoo.chunk=8", "--zoo.validation=4", "--zoo.test=4"]
TINY = [
    *TINY_ZOO,
    "--netspace.networks=4",
    "--netspace.batch=16",
    "--netspace.hidden=32",
    "--netspace.embedding=16",
    "--netspace.probes=8",
    "--netspace.steps=60",
    "--netspace.rank=0",
    "--netspace.corrections=0",
    "--netspace.validations=3",
    "--netspace.log-every=10",
    "--refine.steps=0",
    "--no-explorer",
]


def start(script, *arguments, cwd, devices=0):
    """The command, begun; on so many CPU devices, or as many as it chooses itself. It compiles as tests do."""
    flags = os.environ["XLA_FLAGS"]
    if devices:
        flags += f" --xla_force_host_platform_device_count={devices}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
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


def make_finished(place):
    """A finished tiny run of `digits` in a folder, begun by two processes at once, of which the second is refused."""
    both = [start("train.py", *TINY, cwd=place) for _ in range(2)]
    ended = [(*process.communicate(timeout=400), process.returncode) for process in both]
    (out, err, status), (_, second, refused_status) = sorted(ended, key=lambda one: one[2])
    assert status == 0, err
    # Whoever came second was told in one line who writes, and changed nothing.
    assert refused_status == 2 and second.count("error: ") == 1 and "has been writing" in second, second
    assert f"report: {Path('runs/digits/report.html')}" in out.splitlines()


def brief_sections(run, on_section):
    """The sections whose figures a test looks at; each section has tests of its own."""
    del on_section
    known = {one.name: one for one in evaluations.evaluations(domain(run.config.domain))}
    return [evaluations.make(known[name], run) for name in ("zoo", "fidelity") if known[name].applies(run)]
