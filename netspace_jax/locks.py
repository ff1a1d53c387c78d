"""One writer at a time in a directory: a lock of the operating system's, which ends with its process.

The file of the lock says who holds it. A holder that has not said so yet is given `_PATIENCE` seconds to.
"""

import contextlib
import datetime
import json
import os
import socket
import time
from collections.abc import Callable, Iterator

from etils import epath
from filelock import FileLock, Timeout

from netspace_jax.errors import InputError
from netspace_jax.files import LOCK, location
from netspace_jax.ops.devices import agreed, is_first

_POLL = 0.5  # seconds between two looks at a lock that is waited for
_PATIENCE = 10.0  # seconds

OnWait = Callable[[str], None]
"""Called once with who writes, before waiting begins."""


@contextlib.contextmanager
def one_writer(directory: epath.PathLike, on_wait: OnWait | None = None) -> Iterator[None]:
    """The only process that writes in a directory, which is made where it is missing.

    Of several processes of one job the first has the lock for all.

    Args:
      on_wait: None to refuse what another process writes; else the lock is waited for.

    Raises:
      InputError: another process has the lock; the message names it.
    """
    path = location(directory) / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(os.fspath(path), timeout=0)
    announced = False
    while not agreed(float(_acquired(lock, path) if is_first() else 0.0)):
        who = _writer(path, directory) or f"another process writes {directory}"
        if on_wait is None:
            raise InputError(f"{who}: wait until it has ended, or choose another place")
        if not announced and is_first():
            on_wait(who)
        announced = True
        time.sleep(_POLL)
    try:
        yield
    finally:
        if is_first():
            path.write_text("")
            lock.release()


def _acquired(lock: FileLock, path: epath.Path) -> bool:
    """Take the lock if nobody has it, and say in its file who has it now."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            lock.acquire()
        except Timeout:
            if _writer(path, path.parent) or time.monotonic() > end:
                return False
            time.sleep(_POLL / 10)
        else:
            now = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
            path.write_text(json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": now}))
            return True


def _writer(path: epath.Path, directory: epath.PathLike) -> str:
    """Who has the lock, as one sentence without its end; empty where nobody has said so."""
    try:
        holder = json.loads(path.read_text())
        return f"process {holder['process']} on {holder['host']} has been writing {directory} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has said nothing yet, or half of it
        return ""
