"""Each benchmark, as a user runs it, on a tiny setting: it prints its table and writes its numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
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
    ],
}


@pytest.mark.parametrize("name", TINY)
def test_a_benchmark_prints_its_table_and_writes_its_numbers(name, tmp_path):
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
