"""What cannot fit into memory, refused with the memory that it would need."""

import functools
import os
import zipfile
from pathlib import Path

from netspace_jax.errors import InputError

_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container on Linux
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")


def refuse_beyond(needed: int | float, what: str, remedy: str) -> None:
    """Refuse what needs more memory than this machine has.

    Args:
      needed: bytes, at least.

    Raises:
      InputError: names what it is about, the memory needed and the memory there is.
    """
    there = available()
    if needed > there:
        raise InputError(
            f"{what} would need {in_words(needed)} of memory and this machine has {in_words(there)}: {remedy}"
        )


def refuse_bomb(path: Path) -> None:
    """Refuse a zip that says that it unpacks to more than the memory; its reader stops at what it says.

    Raises:
      InputError: names the file and the memory that it would need.
      BadZipFile: it is no zip.
    """
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    refuse_beyond(unpacked, f"{path}, unpacked,", "give a smaller file")


@functools.cache
def available() -> int | float:
    """Bytes of memory of the machine, or of its accelerators where they have more."""
    return max(_of_machine(), _of_devices())


def in_words(size: int | float) -> str:
    """A size for people, as `1.5 GiB`."""
    power = 0
    while size >= 1024 and power < len(_UNITS) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.3g} {_UNITS[power]}"


def _of_machine() -> int | float:
    names = os.sysconf_names if hasattr(os, "sysconf_names") else {}
    if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= names.keys():
        return float("inf")  # a system that does not say
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _LIMIT.read_text().strip() if _LIMIT.is_file() else ""
    return min(pages, int(limit)) if limit.isdigit() else pages


def _of_devices() -> float:
    import jax  # not needed to refuse what no machine holds

    if jax.default_backend() == "cpu":
        return 0.0
    known = [device.memory_stats() or {} for device in jax.local_devices()]
    return float(sum(stats.get("bytes_limit", 0) for stats in known))
