"""What the commands share: bad input and full disks end in one line, and a preset may come before the flags."""

import errno
import io
import os
import subprocess

import jax
import numpy as np
import pytest

from netspace_jax import cli as commands
from netspace_jax.errors import InputError
from netspace_jax.files import read_json, write_text
from netspace_jax.ops.devices import network_mesh
from netspace_jax.zoo.train import train_zoo
from tests import tiny


@pytest.mark.parametrize(("error", "status", "said"), [
    (InputError("file x\nis bad"), 2, "error: file x is bad"),
    (OSError(errno.ENOSPC, "No space left on device", "run/a"), 1, "run/a (No space left on device)"),
    (OSError(errno.EROFS, "Read-only file system", "run/a"), 1, "run/a (Read-only file system)"),
    (PermissionError(errno.EACCES, "Permission denied", "run"), 1, "run (Permission denied)"),
    (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"), 1, "a/b (Not a directory)"),
    (KeyboardInterrupt(), 130, "interrupted"),
])
def test_one_line_and_a_status(capsys, error, status, said):
    with pytest.raises(SystemExit) as ended, commands.one_line_errors():
        raise error
    shown = capsys.readouterr().err
    assert ended.value.code == status
    assert shown.count("\n") == 1 and said in shown


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError(errno.ECONNRESET, "reset"), AssertionError()])
def test_what_is_nobodys_input_keeps_its_traceback(error):
    with pytest.raises(type(error)), commands.one_line_errors():
        raise error


@pytest.mark.parametrize(("arguments", "expected"), [
    ([], ("digits", [])), (["chairs"], ("chairs", [])), (["--fresh"], ("digits", ["--fresh"])),
    (["chairs", "--out", "x"], ("chairs", ["--out", "x"])), (["--out", "chairs"], ("digits", ["--out", "chairs"]))])
def test_a_preset_may_come_before_the_flags(arguments, expected):
    assert commands.preset_and_flags(arguments, "digits") == expected


def test_paths_are_shown_as_seen_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert str(commands.relative(tmp_path / "runs" / "a")) == os.path.join("runs", "a")
    assert commands.relative(tmp_path.parent / "b") == tmp_path.parent / "b"


def test_the_bars_show_progress_and_loss(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    with commands.zoo_bar() as update:
        update(40, 100, 0.5)
        update(60, 100, float("nan"))
    with commands.netspace_bar() as update:
        update(10, 40, 2.0)
        update(40, 40, 1.0)
    assert "100%" in shown.getvalue() and "loss=0.5" in shown.getvalue()
    assert "40/40" in shown.getvalue() and "loss=1" in shown.getvalue() and "nan" not in shown.getvalue()


def test_text_is_never_half_written(tmp_path, monkeypatch):
    write_text(tmp_path / "a" / "b.json", "[1]")
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match="full"):
        write_text(tmp_path / "a" / "b.json", "[2, 3]")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]
    assert read_json(tmp_path / "a" / "b.json") == [1]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("kilobytes", [10, 60, 110])
def test_a_full_disk_is_one_line_and_what_was_finished_is_kept(small_disk, tmp_path, capsys, kilobytes):
    """Full at different moments: at the first chunk, at the second, and later."""
    task, mesh = tiny.task(), network_mesh(1)

    def train(place):
        return train_zoo(place, tiny.zoo_config(), task, ("",), mesh)

    filler = small_disk / "filler"
    filler.write_bytes(bytes((256 - kilobytes) * 1024))
    with pytest.raises(SystemExit) as ended, commands.one_line_errors():
        train(small_disk / "zoo")
    shown = capsys.readouterr().err
    assert ended.value.code == 1 and shown.count("\n") == 1 and "No space left on device" in shown
    finished = {path: path.read_text() for path in (small_disk / "zoo" / "chunks").glob("*.csv")}
    assert all(text.count("\n") >= 3 for text in finished.values())
    filler.unlink()
    resumed, whole = train(small_disk / "zoo"), train(tmp_path / "whole")
    assert all(path.read_text() == text for path, text in finished.items())
    for ours, theirs in zip(resumed.chunks("perceptron3"), whole.chunks("perceptron3"), strict=True):
        jax.tree.map(np.testing.assert_array_equal, ours[1], theirs[1])
