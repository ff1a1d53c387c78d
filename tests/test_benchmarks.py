"""Each benchmark, as a user runs it, on a tiny setting: it prints its table and writes its numbers."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import evidence, tables
from netspace_jax.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
JOB = (
    "--zoo.members=24 --zoo.steps=10 --zoo.validation=4 --zoo.test=4 --netspace.networks=4 "
    "--netspace.batch=8 --netspace.hidden=16 --netspace.steps=4 --netspace.validations=1 "
    "--netspace.rank=0 --netspace.corrections=0 --refine.steps=0 --no-explorer"
)
TINY = {
    "zoo": [
        "--architectures",
        "lenetlike",
        "siren",
        "--networks",
        "2",
        "--steps",
        "1",
        "--sizes",
        "1",
        "3",
        "--chunk",
        "2",
        "--batch",
        "8",
        "--turns",
        "1",
        "--out",
        "results",
    ],
    "netspace": [
        "--experiments",
        "single",
        "--networks",
        "1",
        "--batch",
        "2",
        "--hidden",
        "8",
        "--turns",
        "1",
        "--out",
        "results",
    ],
    "accelerator": [
        "--architectures",
        "siren",
        "--networks",
        "2",
        "--batch",
        "2",
        "--steps",
        "1",
        "--lowering",
        "accelerator",
        "--parts",
        "parity",
        "zoos",
        "jobs",
        "paper",
        "--jobs",
        "digits",
        "--paper-flags=--dataset=none",
        f"--job-flags={JOB}",
    ],
    "growth": ["--sizes", "24", "--steps", "4"],
    "rewrite": ["--members", "24", "--steps", "4", "--share", "0.05", "--out", "results"],
    "many": ["--sizes", "64", "--steps", "2", "--out", "results"],
    "pictures": ["--networks", "2", "--steps", "2", "--turns", "1", "--out", "results"],
    "search": ["--counts", "1", "3", "--steps", "2", "--turns", "1", "--out", "results"],
    "whole": [
        "digits",
        "--zoo.members",
        "24",
        "--zoo.steps",
        "10",
        "--zoo.validation",
        "4",
        "--zoo.test",
        "4",
        "--netspace.networks",
        "4",
        "--netspace.batch",
        "8",
        "--netspace.hidden",
        "16",
        "--netspace.embedding",
        "8",
        "--netspace.probes",
        "8",
        "--netspace.steps",
        "4",
        "--netspace.validations",
        "1",
        "--netspace.rank",
        "0",
        "--netspace.corrections",
        "0",
        "--refine.steps",
        "0",
        "--no-explorer",
    ],
}


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_finds_what_it_measures(name):
    """Renaming what a benchmark imports shows here; benchmarks themselves run only when asked for."""
    if name == "rewrite":
        pytest.importorskip("torch")
    assert callable(importlib.import_module(f"benchmarks.{name}").main)


@pytest.mark.long
@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_prints_its_table_and_writes_its_numbers(name, tmp_path):
    if name == "rewrite":
        pytest.importorskip("torch")
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    environment.pop("XLA_FLAGS", None)
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *TINY[name]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    tables = [line for line in done.stdout.splitlines() if line.startswith("### ")]
    written = [json.loads(path.read_text()) for path in tmp_path.rglob("results/*.json")]
    assert tables and {record["title"] for record in written} == {table[4:] for table in tables}
    for record in written:
        assert record["command"].startswith(f"python benchmarks/{name}.py") and record["machine"] and record["date"]


def test_tables_of_documents_are_those_of_the_results():
    """Whoever changes a file of results renders the tables again: python benchmarks/evidence.py render."""
    for path in tables.DOCUMENTS:
        text = path.read_text()
        assert tables.rendered(text) == text, path.name
    for path in tables.RECIPES:
        text = path.read_text()
        assert tables.recipes(text) == text, path
        assert "@" not in text.replace("@dataclasses", "")


def test_a_figure_over_seeds_has_its_spread():
    args = evidence.Arguments("digits", seeds=(0, 1, 2))
    found = evidence.summary(args, [{"a": 1.0, "b": None}, {"a": 2.0, "b": None}, {"a": 3.0, "b": 1.0}])
    assert found["figures"]["a"].pop("values") == [1.0, 2.0, 3.0]
    assert found["figures"]["b"].pop("values") == [None, None, 1.0]
    assert found["figures"]["a"] == {"mean": 2.0, "std": 1.0, "min": 1.0, "max": 3.0, "seeds": 3}
    assert found["figures"]["b"] == {"mean": 1.0, "std": None, "min": 1.0, "max": 1.0, "seeds": 1}
    assert found["command"] == "python benchmarks/evidence.py digits --seeds 0 1 2"
    shared = evidence.summary(evidence.Arguments("chairs", seeds=(0,), zoo_seed=0), [{"a": 1.0}])
    assert shared["command"] == "python benchmarks/evidence.py chairs --seeds 0 --zoo-seed 0"
    assert tables.number(found["figures"]["a"]) == "2.000 ± 1.000"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["nosuch"], "unknown preset 'nosuch'"),
        (["digits", "--seeds"], "--seeds takes one seed or more"),
        (["digits", "--seeds", "0", "0"], "--seeds takes one seed or more"),
        (["digits", "--add"], "is no JSON"),
    ],
)
def test_evidence_refuses_before_anything_is_run(flags, said, tmp_path, monkeypatch):
    (tmp_path / "digits.json").write_text("{")
    monkeypatch.setattr(evidence, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["evidence.py", *flags])
    with pytest.raises(InputError, match=said) as refused:
        evidence.main()
    assert "\n" not in str(refused.value) and [path.name for path in tmp_path.iterdir()] == ["digits.json"]


def test_flags_of_evidence_add_up(monkeypatch):
    seen = []
    monkeypatch.setattr(evidence, "measure", seen.append)
    monkeypatch.setattr("sys.argv", ["evidence.py", "digits", "--flags=--zoo.steps=30", "--flags=--zoo.members=24"])
    evidence.main()
    assert seen[0].flags == ("--zoo.steps=30", "--zoo.members=24")
    assert evidence.summary(seen[0], [{"a": 1.0}])["command"].endswith(
        "--flags=--zoo.steps=30 --flags=--zoo.members=24"
    )


def test_seeds_are_added_to_those_measured_before():
    first = evidence.summary(evidence.Arguments("digits", seeds=(0,)), [{"a": 1.0, "seconds/total": 10.0}])
    del first["figures"]["a"]["values"]  # as in files that hold one seed and no list
    busy = evidence.Arguments("digits", seeds=(1, 2), quiet=False)
    found = evidence.summary(busy, [{"a": 2.0, "seconds/total": 90.0}, {"a": 3.0, "seconds/total": 80.0}], first)
    assert found["seeds"] == [0, 1, 2] and found["command"].endswith("--seeds 0 1 2")
    assert found["figures"]["a"]["values"] == [1.0, 2.0, 3.0] and found["figures"]["a"]["std"] == 1.0
    assert found["quiet"] and found["figures"]["seconds/total"]["values"] == [10.0, None, None]
    assert [part["seeds"] for part in found["parts"]] == [[0], [1, 2]]
    late = evidence.summary(evidence.Arguments("digits", seeds=(7,)), [{"a": 7.0}])
    early = evidence.summary(evidence.Arguments("digits", seeds=(2, 9)), [{"a": 2.0}, {"a": 9.0}], late)
    assert early["seeds"] == [2, 7, 9] and early["figures"]["a"]["values"] == [2.0, 7.0, 9.0]
    last = evidence.summary(evidence.Arguments("digits", seeds=(3,)), [{"a": 6.0}], found)
    assert last["figures"]["a"]["mean"] == 3.0 and len(last["figures"]["seconds/total"]["values"]) == 4
    with pytest.raises(SystemExit, match="already"):
        evidence.check_added(evidence.Arguments("digits", seeds=(2,)), last)
    for other in ({"zoo_seed": 0}, {"flags": ("--zoo.steps=9",)}):
        with pytest.raises(SystemExit, match="other settings"):
            evidence.check_added(evidence.Arguments("digits", seeds=(4,), **other), last)
    with pytest.raises(SystemExit, match="other settings"):
        evidence.check_added(evidence.Arguments("digits-large", seeds=(4,)), last)
    del last["figures"]["a"]["values"]
    with pytest.raises(SystemExit, match="single seeds"):
        evidence.check_added(evidence.Arguments("digits", seeds=(4,)), last)
