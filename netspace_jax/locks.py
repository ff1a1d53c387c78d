"""One writer at a time in a directory: a lock of the system's on disks, a lease in object stores.

On a disk the system gives the lock back when its process ends, however it ends. Object stores know no locks: there the
writer says every `_BEAT` seconds in a small object that it is alive, and a lease that is not renewed while another
process watches it for `_DEAD` seconds is taken over. Two processes that find no lease at the same moment both write
theirs; after `_SETTLE` seconds the one that is found there has it.
"""

import contextlib
import datetime
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Protocol

from etils import epath
from filelock import FileLock, Timeout

from netspace_jax.errors import InputError
from netspace_jax.files import LOCK, is_remote, location, write_text
from netspace_jax.ops.devices import agreed, is_first

_BEAT, _SETTLE, _DEAD = 5.0, 2.0, 30.0  # seconds
_POLL = 0.5  # seconds between two looks at a lock that is waited for

OnWait = Callable[[str], None]
"""Called once with who writes, before waiting begins."""


class _Lock(Protocol):
    def acquire(self) -> bool: ...

    def release(self) -> None: ...


@contextlib.contextmanager
def one_writer(directory: epath.PathLike, on_wait: OnWait | None = None) -> Iterator[None]:
    """The only process that writes in a directory, which is made where it is missing.

    Of several processes of one job the first has the lock for all.

    Args:
      on_wait: None to refuse what another process writes; else the lock is waited for.

    Raises:
      InputError: another process has the lock; the message names it.
    """
    place = location(directory)
    lock: _Lock = _Lease(place / LOCK) if is_remote(place) else _OnDisk(place / LOCK)
    held = bool(agreed(float(lock.acquire() if is_first() else 0.0)))
    told = False
    while not held:
        if on_wait is None:
            raise InputError(f"{writer(directory)}: wait until it has ended, or choose another place")
        if not told and is_first():
            on_wait(writer(directory))
        told = True
        time.sleep(_POLL)
        held = bool(agreed(float(lock.acquire() if is_first() else 0.0)))
    try:
        yield
    finally:
        if is_first():
            lock.release()


def writer(directory: epath.PathLike) -> str:
    """Who writes in a directory, as one sentence without its end."""
    try:
        found = json.loads((location(directory) / LOCK).read_text())
        return f"process {found['process']} on {found['host']} has been writing {directory} since {found['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has said nothing yet
        return f"another process writes {directory}"


def _own(**more: str | int) -> str:
    now = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return json.dumps({"process": os.getpid(), "host": socket.gethostname(), "since": now, **more})


class _OnDisk:
    """A lock that the operating system keeps."""

    def __init__(self, path: epath.Path):
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(os.fspath(path), timeout=0)

    def acquire(self) -> bool:
        try:
            self._lock.acquire()
        except Timeout:
            return False
        self._path.write_text(_own())
        return True

    def release(self) -> None:
        self._path.write_text("")
        self._lock.release()


class _Lease:
    """An object that its holder renews."""

    def __init__(self, path: epath.Path):
        self._path, self._token = path, uuid.uuid4().hex
        self._seen, self._since, self._beats = "", time.monotonic(), 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)

    def acquire(self) -> bool:
        found = self._read()
        if found != self._seen:
            self._seen, self._since = found, time.monotonic()
        if found and time.monotonic() - self._since < _DEAD:
            return False
        self._write()
        time.sleep(_SETTLE)
        if self._token not in self._read():
            return False
        self._thread.start()
        return True

    def release(self) -> None:
        self._ended.set()
        self._thread.join()
        if self._token in self._read():
            self._path.unlink(missing_ok=True)

    def _renew(self) -> None:
        while not self._ended.wait(_BEAT):
            self._write()

    def _write(self) -> None:
        self._beats += 1
        write_text(self._path, _own(token=self._token, beat=self._beats))

    def _read(self) -> str:
        try:
            return self._path.read_text()
        except FileNotFoundError:
            return ""
