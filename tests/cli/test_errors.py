"""How commands end: bad input and full disks are one line and an exit status."""

import errno
import gc
import logging
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from netspace_jax.cli.errors import one_line_errors
from netspace_jax.cli.logs import captured_logs
from netspace_jax.errors import InputError
from netspace_jax.ops.devices import network_mesh
from netspace_jax.zoo import train_zoo
from tests import tiny
from tests.disk import orbax_fails

UNRAISABLE = SimpleNamespace(err_msg=None, object=None, exc_value=RuntimeError("late"))


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InputError("file x\nis bad"), 2, "error: file x is bad"),
        (OSError(errno.ENOSPC, "No space left on device", "run/a"), 1, "run/a (No space left on device)"),
        (OSError(errno.EROFS, "Read-only file system", "run/a"), 1, "run/a (Read-only file system)"),
        (PermissionError(errno.EACCES, "Permission denied", "run"), 1, "run (Permission denied)"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"), 1, "a/b (Not a directory)"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(errno.ENAMETOOLONG, "File name too long", "x" * 999), 2, "cannot be used (File name too long)"),
        (MemoryError(), 1, "the memory is full"),
        (RuntimeError("RESOURCE_EXHAUSTED: out of memory"), 1, "the memory is full"),
    ],
)
def test_one_line_and_a_status(capsys, error, status, said):
    with pytest.raises(SystemExit) as ended, one_line_errors():
        raise error
    shown = capsys.readouterr().err
    assert ended.value.code == status
    assert shown.count("\n") == 1 and said in shown


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), RuntimeError("a bug"), OSError(errno.ECONNRESET, "reset"), AssertionError()]
)
def test_what_is_nobodys_input_keeps_its_traceback(error):
    with pytest.raises(type(error)), one_line_errors():
        raise error


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("kilobytes", [10, 60, pytest.param(110, marks=pytest.mark.long)])
@orbax_fails
def test_a_full_disk_is_one_line_and_what_was_finished_is_kept(small_disk, tmp_path, capsys, kilobytes):
    """Full at different moments: at the first chunk, at the second, and later."""
    data, mesh = tiny.dataset(), network_mesh(1)

    def train(place):
        return train_zoo(place, tiny.zoo_config(), data, mesh=mesh)

    filler = small_disk / "filler"
    filler.write_bytes(bytes((256 - kilobytes) * 1024))
    with pytest.raises(SystemExit) as ended, one_line_errors():
        train(small_disk / "zoo")
    gc.collect()
    shown = capsys.readouterr().err
    assert ended.value.code == 1 and shown.count("\n") == 1 and "No space left on device" in shown
    finished = {path: path.read_text() for path in (small_disk / "zoo" / "chunks").glob("*.csv")}
    assert all(text.count("\n") >= 3 for text in finished.values())
    filler.unlink()
    resumed, whole = train(small_disk / "zoo"), train(tmp_path / "whole")
    assert all(path.read_text() == text for path, text in finished.items())
    for ours, theirs in zip(resumed.chunks("perceptron3"), whole.chunks("perceptron3"), strict=True):
        np.testing.assert_array_equal(ours[1], theirs[1])


def test_what_libraries_say_is_beside_the_run(tmp_path, capsys):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SystemExit), one_line_errors() as capture:
        capture.directory = tmp_path
        logging.getLogger("absl").error("a page of Orbax")
        raise InputError("a checkpoint cannot be read")
    assert capsys.readouterr().err == "error: a checkpoint cannot be read\n"
    assert "a page of Orbax" in (tmp_path / "libraries.log").read_text()


def test_what_a_thread_cannot_raise_after_a_failure_is_not_shown(monkeypatch):
    """A library's threads outlive the command that failed."""
    shown = []
    monkeypatch.setattr(sys, "unraisablehook", shown.append)
    with captured_logs():
        pass
    sys.unraisablehook(UNRAISABLE)
    with pytest.raises(ValueError), captured_logs():
        raise ValueError
    sys.unraisablehook(UNRAISABLE)
    assert shown == [UNRAISABLE]
