"""What cannot fit into memory, refused with the memory that it would need."""

import functools
import zipfile
from pathlib import Path

from netspace_jax.errors import InputError

_LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container on Linux


def refuse_beyond(needed: int | float, what: str, remedy: str) -> None:
    """Refuse what needs more memory than this machine has.

    Args:
      needed: bytes, at least.

    Raises:
      InputError: names what it is about, the memory needed and the memory there is.
    """
    if needed > available():
        from humanize import naturalsize

        needed_text, available_text = (naturalsize(size, binary=True) for size in (needed, available()))
        raise InputError(f"{what} would need {needed_text} of memory and this machine has {available_text}: {remedy}")


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
def available() -> int:
    """Bytes of memory of the machine, or of its accelerators where they have more."""
    import jax
    import psutil

    from netspace_jax.ops.devices import device_bytes

    limit = _LIMIT.read_text().strip() if _LIMIT.is_file() else ""
    total = int(psutil.virtual_memory().total)
    machine = min(total, int(limit)) if limit.isdigit() else total
    on_accelerators = jax.default_backend() != "cpu"
    return max(machine, on_accelerators * device_bytes() * jax.local_device_count())
