"""Small files: what is written comes back, whole, and damage is named."""

import errno
import json
import os

import jax.numpy as jnp
import numpy as np
import pytest

from netspace_jax import files
from netspace_jax.cli.commands import relative
from netspace_jax.errors import InputError
from netspace_jax.files import append_text, check_new, location, new_directory, read_json, write_bytes, write_text


def test_where_a_path_leads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert os.fspath(location("runs/a")) == str(tmp_path / "runs" / "a")
    assert os.fspath(location(tmp_path / "x")) == str(tmp_path / "x")
    monkeypatch.chdir("/")
    assert os.fspath(relative("/runs/a")) == "runs/a"


def test_an_address_is_no_directory():
    with pytest.raises(InputError, match="gs://bucket/a is an address: name a directory"):
        location("gs://bucket/a")


def test_files_come_back(tmp_path):
    text = location(tmp_path) / "deep" / "a.json"
    write_text(text, json.dumps({"α": 1}))
    assert read_json(text) == {"α": 1}
    write_text(text, "[2]")
    assert read_json(text) == [2]
    write_bytes(text.with_name("b.png"), b"\x00\xff")
    assert text.with_name("b.png").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in text.parent.iterdir()) == ["a.json", "b.png"]


def test_text_is_never_half_written(tmp_path, monkeypatch):
    write_text(tmp_path / "a" / "b.json", "[1]")
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError, match="full"):
        write_text(tmp_path / "a" / "b.json", "[2, 3]")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]
    assert read_json(tmp_path / "a" / "b.json") == [1]


def test_lines_are_added(tmp_path):
    log = location(tmp_path) / "log.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    for line in ("one\n", "two\n", "three\n"):
        append_text(log, line)
    assert log.read_text() == "one\ntwo\nthree\n"


def test_what_cannot_be_read_is_named(tmp_path):
    path = location(tmp_path) / "config.json"
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        read_json(path)
    write_text(path, "{")
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        read_json(path)


def test_a_new_directory_appears_complete(tmp_path):
    with new_directory(tmp_path / "deep" / "new") as folder:
        write_text(folder / "a.txt", "a")
        assert not (tmp_path / "deep" / "new").exists()
    assert (tmp_path / "deep" / "new" / "a.txt").read_text() == "a"
    with pytest.raises(InputError, match="new exists and is not an empty directory: name another"):
        check_new(tmp_path / "deep" / "new")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["new"]


def test_a_new_directory_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(ZeroDivisionError), new_directory(tmp_path / "new") as folder:
        write_text(folder / "a.txt", "a")
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


def test_of_two_processes_the_first_to_end_writes_a_new_directory(tmp_path):
    with pytest.raises(InputError, match="new exists and is not an empty directory"), new_directory(tmp_path / "new"):
        write_text(tmp_path / "new" / "theirs.txt", "theirs")
    assert [path.name for path in tmp_path.rglob("*")] == ["new", "theirs.txt"]


@pytest.mark.parametrize("name", ["crc32", "checksum", "sha256"])
def test_a_checksum_is_of_its_parts_one_after_another(name):
    of = getattr(files, name)
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    assert of(array[:, ::2]) == of(array[:, ::2].copy()) == of(array[:, ::2].tobytes()) == of(jnp.array(array[:, ::2]))
    assert of("α", array) == of("α".encode() + array.tobytes())
    assert len({of(), of("a"), of("b"), of("a", "b"), of("b", "a"), of(array), of(array.T)}) == 7


def test_checksums_are_the_known_ones():
    assert files.crc32("123456789") == 0xCBF43926 and files.checksum("123456789") == "cbf43926"
    assert files.sha256("abc").startswith("ba7816bf8f01cfea")
