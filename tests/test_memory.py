"""What does not fit is refused in words of people, with the memory of this machine."""

import zipfile

import pytest

from netspace_jax import memory
from netspace_jax.errors import InputError


@pytest.fixture
def limited(tmp_path, monkeypatch):
    """A container of 2 GiB."""
    (tmp_path / "memory.max").write_text(f"{2**31}\n")
    monkeypatch.setattr(memory, "_LIMIT", tmp_path / "memory.max")
    monkeypatch.setattr(memory, "available", memory.available.__wrapped__)


def test_a_container_has_the_memory_of_its_limit(limited, tmp_path):
    assert memory.available() == 2**31
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.available() > 2**28


def test_what_does_not_fit_is_refused_and_what_fits_is_not(limited):
    memory.refuse_beyond(2**31, "a zoo", "give fewer members")
    with pytest.raises(InputError, match=r"^a zoo would need 3\.0 GiB .* has 2\.0 GiB: give fewer members$"):
        memory.refuse_beyond(3 * 2**30, "a zoo", "give fewer members")


def test_a_zip_is_refused_by_what_it_says_that_it_unpacks_to(limited, tmp_path):
    with zipfile.ZipFile(tmp_path / "small.zip", "w") as archive:
        archive.writestr("a", b"text")
    memory.refuse_bomb(tmp_path / "small.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w") as archive:
        archive.writestr("a", b"")
        archive.filelist[0].file_size = 2**33
    with pytest.raises(InputError, match=r"bomb\.zip, unpacked, would need 8\.0 GiB"):
        memory.refuse_bomb(tmp_path / "bomb.zip")
