"""One writer in a directory."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from netspace_jax import locks
from netspace_jax.files import LOCK
from netspace_jax.locks import one_writer
from tests.disk import assert_refused

HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(100)
"""


# A process whose name is slow to appear: it reads the clock for it.
RACE = """
import datetime, pathlib, sys, time
from netspace_jax import locks
from netspace_jax.errors import InputError

class Slow(datetime.datetime):
    @classmethod
    def now(cls):
        time.sleep(1)
        return super().now()

locks.datetime.datetime = Slow
print("ready", flush=True)
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.001)
try:
    with locks.one_writer(sys.argv[1]):
        time.sleep(3)
        print("held")
except InputError as error:
    print(error)
"""
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    for name, seconds in {"_POLL": 0.05, "_PATIENCE": 0.3}.items():
        monkeypatch.setattr(locks, name, seconds)


def enter(directory, on_wait=None):
    with one_writer(directory, on_wait):
        pass


def test_a_second_writer_is_told_who_writes(tmp_path):
    directory = f"{tmp_path}/run"
    with one_writer(directory):
        assert_refused(lambda: enter(directory), directory, f"process {os.getpid()} on", "has been writing")
    enter(directory)


def test_a_second_writer_that_waits_comes_second(tmp_path):
    directory, told, order = f"{tmp_path}/zoo", [], []

    def second():
        with one_writer(directory, told.append):
            order.append("second")

    with one_writer(directory):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(0.3)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"] and len(told) == 1 and "has been writing" in told[0]


def test_a_killed_writer_leaves_no_lock(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path / LOCK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        assert_refused(lambda: enter(tmp_path), tmp_path)
        holder.kill()
    enter(tmp_path)


def test_processes_that_race_for_a_lock_name_its_holder(tmp_path):
    """Although the holder, on a busy machine, takes its time to say who it is."""
    begin = tmp_path / "begin"
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path / "run"), str(begin)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None and racer.stdout.readline() == "ready\n"
    begin.touch()
    said = {racer.pid: racer.communicate(timeout=60)[0].strip() for racer in racers}
    (holder,) = [pid for pid, line in said.items() if line == "held"]
    losers = [line for pid, line in said.items() if pid != holder]
    assert all(line.startswith(f"process {holder} on") and "has been writing" in line for line in losers), said
