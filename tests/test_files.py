"""Small files on a disk and in an object store, whose place a file system in memory takes."""

import dataclasses
import errno
import json
import os

import jax.numpy as jnp
import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.registry import _registry

from netspace_jax import files
from netspace_jax.cli.commands import relative
from netspace_jax.domain import read_config
from netspace_jax.errors import InputError
from netspace_jax.files import (
    append_text,
    check_new,
    location,
    new_directory,
    read_json,
    write_bytes,
    write_text,
)
from netspace_jax.runs import RunDirectory, read_description
from netspace_jax.zoo import Zoo
from tests import tiny


@pytest.fixture
def store(monkeypatch):
    """Addresses that begin with gs:// lead into memory."""

    class Memory(MemoryFileSystem):
        store, pseudo_dirs = {}, [""]

        def _open(self, path, mode="rb", **options):
            if "a" in mode:
                raise NotImplementedError("object stores do not append")
            return super()._open(path, mode, **options)

    for name in ("gs", "gcs"):
        monkeypatch.setitem(_registry, name, Memory)
    Memory.clear_instance_cache()
    monkeypatch.setitem(files.STORES, "gs", "fsspec")
    return "gs://bucket/place"


@pytest.fixture(params=["disk", "store"])
def place(request, tmp_path):
    return str(tmp_path) if request.param == "disk" else request.getfixturevalue("store")


def test_where_a_path_leads(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert os.fspath(location("runs/a")) == str(tmp_path / "runs" / "a")
    assert os.fspath(location(tmp_path / "x")) == str(tmp_path / "x")
    monkeypatch.setitem(files.STORES, "s3", "fsspec")
    assert os.fspath(location("s3://bucket/runs/a") / "b") == "s3://bucket/runs/a/b"
    monkeypatch.chdir("/")
    assert (
        os.fspath(relative("s3://bucket/runs/a")) == "s3://bucket/runs/a" and os.fspath(relative("/runs/a")) == "runs/a"
    )


def test_a_store_that_cannot_be_reached_is_named(monkeypatch):
    monkeypatch.setitem(files.STORES, "gs", "no_such_package")
    with pytest.raises(InputError, match="pip install no_such_package"):
        location("gs://bucket/a")
    with pytest.raises(InputError, match="gs://, s3://"):
        location("ftp://host/a")


def test_files_come_back(place):
    text = location(place) / "deep" / "a.json"
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


def test_lines_are_added(place):
    log = location(place) / "log.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    for line in ("one\n", "two\n", "three\n"):
        append_text(log, line)
    assert log.read_text() == "one\ntwo\nthree\n"


def test_what_cannot_be_read_is_named(place):
    path = location(place) / "config.json"
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        read_json(path)
    write_text(path, "{")
    with pytest.raises(InputError, match=r"config\.json cannot be read"):
        read_json(path)


def test_a_run_in_an_object_store_is_its_configurations(store):
    def found():
        return read_config(read_description(f"{store}/runs/a"), store)

    config = tiny.run_config()
    run = RunDirectory(f"{store}/runs/a", dataclasses.asdict(config))
    run.log({"step": 1, "total": 0.5})
    run.log({"step": 2, "total": 0.25})
    run.write_metrics({"b": float("nan"), "a": 2})
    assert found() == config
    assert len((run.path / "metrics.jsonl").read_text().splitlines()) == 2
    assert (run.path / "metrics.json").read_text() == '{\n "a": 2,\n "b": null\n}\n'
    other = dataclasses.replace(config, netspace=dataclasses.replace(config.netspace, seed=7))
    with pytest.raises(InputError, match="netspace.seed 0 → 7"):
        RunDirectory(f"{store}/runs/a", dataclasses.asdict(other))
    RunDirectory(f"{store}/runs/a", dataclasses.asdict(other), fresh=True)
    assert found() == other and not (run.path / "metrics.json").exists()


def test_a_zoo_that_an_object_store_lacks_is_named(store):
    with pytest.raises(InputError, match="gs://bucket/place/zoo holds no zoo"):
        Zoo(f"{store}/zoo")


def test_a_new_directory_appears_complete(place):
    with new_directory(f"{place}/deep/new") as folder:
        assert not location(f"{place}/deep/new/a.txt").exists() or "://" in place
        write_text(folder / "a.txt", "a")
    assert location(f"{place}/deep/new/a.txt").read_text() == "a"
    with pytest.raises(InputError, match="new exists and is not an empty directory: name another"):
        check_new(f"{place}/deep/new")
    assert not [path for path in location(f"{place}/deep").iterdir() if path.name.endswith(".tmp")]


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
