"""What tests of things on disk share: what lies there, damage to it, and refusals in one line."""

import gc
from pathlib import Path

import pytest

from netspace_jax.errors import InputError

# Orbax's readers and writers that fail leave coroutines behind, which nobody awaits.
orbax_fails = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:coroutine .* was never awaited:RuntimeWarning"
)


class Stop(Exception):
    """Stands for whatever ends a process."""


def content(directory):
    """All files below a directory, by path."""
    paths = sorted(Path(directory).rglob("*"))
    return {path.relative_to(directory): path.read_bytes() for path in paths if path.is_file()}


def assert_refused(act, *words):
    """An `InputError` of one line that has the words."""
    with pytest.raises(InputError) as error:
        act()
    assert "\n" not in str(error.value)
    for word in words:
        assert str(word) in str(error.value)


def assert_refused_by_orbax(act, *words):
    """The same of what Orbax cannot read, in a test that `orbax_fails`: what is left behind goes while it is on."""
    assert_refused(act, *words)
    gc.collect()


def largest(directory):
    """The largest file below a directory."""
    return max((path for path in Path(directory).rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def flip(path):
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(bytes(data))


def cut(path):
    """Leave the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
