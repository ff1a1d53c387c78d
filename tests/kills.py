"""Kills of processes that work on the same and on overlapping runs; then all is as undisturbed (tests/fuzz.py)."""

import atexit
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.commands import TINY

ROOT = Path(__file__).resolve().parents[1]
CACHE = tempfile.mkdtemp(prefix="netspace-compiled-")  # programs are compiled once; what is tested is not the compiler
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def start(place, out, devices=0):
    """A tiny run, begun; runs of other names share the zoo."""
    more = ["--devices", str(devices)] if devices else []
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *TINY, "--out", f"runs/{out}", *more],
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "JAX_PLATFORMS": "cpu",
            "JAX_COMPILATION_CACHE_DIR": CACHE,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        | ({"XLA_FLAGS": "--xla_force_host_platform_device_count=2"} if devices else {}),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def figures(place, out):
    """The final figures, but for what the clock says."""
    values = json.loads((Path(place) / "runs" / out / "metrics.json").read_text())
    return {name: value for name, value in values.items() if "seconds" not in name}


def ended(process, number=None):
    """How a process ended, in words; raises AssertionError where that breaks the contract."""
    _, error = process.communicate(timeout=1200)
    status = process.returncode
    assert "Traceback" not in error, error
    lines = [line for line in error.splitlines() if line.startswith("error: ")]
    assert len(lines) <= 1, error
    if number in (signal.SIGTERM, signal.SIGINT) and status == 128 + number:
        assert len(lines) == 1 and "interrupted" in lines[0], error
        return f"{signal.Signals(number).name}: one line"
    if status == 2:
        assert "has been writing" in lines[0] or "another process writes" in lines[0], error
        return "refused: another process writes"
    if status == 0:
        return "finished"
    assert number is not None and status == -number, (status, number, error)
    return f"{signal.Signals(number).name}: ended"


def together(place, names):
    """Processes started at once, each to its end; how each ended."""
    return collections.Counter(ended(process) for process in [start(place, name) for name in names])


def kills(count, number, seed):
    """So many signals to so many processes at a time, on half as many runs; then every run has equal figures."""
    rng, counts, sent = random.Random(seed), collections.Counter(), 0
    with tempfile.TemporaryDirectory() as place:
        assert ended(start(place, "undisturbed")) == "finished"
        wanted = figures(place, "undisturbed")
        began = time.monotonic()
        assert ended(start(place, "second")) == "finished"
        usual = 1.5 * (time.monotonic() - began) + 5
    while sent < count:
        with tempfile.TemporaryDirectory() as place:
            names = [f"run{index // 2}" for index in range(number)]
            for _ in range(5):
                processes = [start(place, name) for name in names]
                begun, waits = time.monotonic(), sorted((rng.uniform(0, usual), index) for index in range(number))
                signals = {}
                for wait, index in waits:
                    time.sleep(max(begun + wait - time.monotonic(), 0))
                    if processes[index].poll() is None:
                        signals[index] = rng.choice(SIGNALS)
                        processes[index].send_signal(signals[index])
                        sent += 1
                for index, process in enumerate(processes):
                    counts[ended(process, signals.get(index))] += 1
            for name in sorted(set(names)):
                assert ended(start(place, name)) == "finished"
                counts["equal figures" if figures(place, name) == wanted else "OTHER FIGURES"] += 1
            left = [path for path in Path(place).rglob(".*.tmp") if path.is_file()]
            counts["temporary files left"] += len(left)
    print(f"{sent} signals")
    for outcome, times in sorted(counts.items()):
        print(f"{times:6} {outcome}")


def moved():
    """A run that moves from two devices to one in the middle of NetSpace and back, beside one that stays on two."""
    with tempfile.TemporaryDirectory() as place:
        assert ended(start(place, "stays", 2)) == "finished"
        for devices, step in ((2, 20), (1, 40)):
            process = start(place, "moves", devices)
            while not list(Path(place).glob(f"runs/moves/checkpoints/last/{step}/_CHECKPOINT_METADATA")):
                assert process.poll() is None, process.communicate()
                time.sleep(0.005)
            process.send_signal(signal.SIGTERM)
            print(f"{devices} devices, after step {step}: {ended(process, signal.SIGTERM)}")
        assert ended(start(place, "moves", 2)) == "finished"
        stays, moves = figures(place, "stays"), figures(place, "moves")
        assert stays.keys() == moves.keys()
        pairs = [(stays[name], moves[name]) for name in stays if stays[name] is not None]
        print(f"{len(pairs)} figures, the farthest apart differ by {max(abs(a - b) for a, b in pairs):.2g}")


def at_once(numbers, times):
    """So many processes together on half as many runs of one zoo, several times; then all have equal figures."""
    for number in numbers:
        counts = collections.Counter()
        for _ in range(times):
            with tempfile.TemporaryDirectory() as place:
                names = [f"run{index // 2}" for index in range(number)]
                counts += together(place, names)
                found = [figures(place, name) for name in sorted(set(names))]
                counts["equal figures" if all(one == found[0] for one in found) else "OTHER FIGURES"] += 1
        print(f"{number} processes, {times} times: {dict(counts)}")
