"""One writer in a directory, on a disk and in an object store."""

import json
import os
import subprocess
import sys
import threading

import pytest

from netspace_jax import locks
from netspace_jax.files import LOCK, location, write_text
from netspace_jax.locks import one_writer
from tests.disk import assert_refused
from tests.test_files import place, store  # noqa: F401  (fixtures)

HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
time.sleep(100)
"""


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    for name, seconds in {"_BEAT": 0.05, "_SETTLE": 0.05, "_DEAD": 0.4, "_POLL": 0.05}.items():
        monkeypatch.setattr(locks, name, seconds)


def enter(directory, on_wait=None):
    with one_writer(directory, on_wait):
        pass


def test_a_second_writer_is_told_who_writes(place):  # noqa: F811
    directory = f"{place}/run"
    with one_writer(directory):
        assert_refused(lambda: enter(directory), directory, f"process {os.getpid()} on", "has been writing")
    enter(directory)


def test_a_second_writer_that_waits_comes_second(place):  # noqa: F811
    directory, told, order = f"{place}/zoo", [], []

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


def test_the_lease_of_a_dead_writer_is_taken_over(store):  # noqa: F811
    directory = f"{store}/run"
    write_text(location(directory) / LOCK, json.dumps({"process": 1, "host": "gone", "since": "long", "token": "x"}))
    told = []
    enter(directory, told.append)
    assert len(told) == 1 and "process 1 on gone" in told[0]
    assert not (location(directory) / LOCK).exists()
