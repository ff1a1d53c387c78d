"""SIGINT and SIGTERM end a command with one line, whatever it does: imports, a compilation, a step that writes.

Python runs its own handlers between two instructions of the main thread only, so that a compilation would delay them,
and a library that catches KeyboardInterrupt would swallow them. Here a thread is woken by the signal; it waits for what
is being written, says the line and ends the process. What was finished is on disk.
"""

import atexit
import contextlib
import os
import signal
import threading
from collections.abc import Iterator

INTERRUPTED = "interrupted; the same command goes on from what was finished"
_PATIENCE = 60.0  # seconds that a write is waited for
_writing = threading.RLock()
bar_shown = threading.Event()
"""Set while a progress bar stands on the screen: the line then begins below it."""


def catch_signals() -> None:
    """Let both signals end the process with one line from now on; to be called first, in the main thread."""
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)  # the thread does what is to be done
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(woken,), daemon=True).start()
    atexit.register(_ended)  # the first to be registered is the last to run


def _ended() -> None:
    """From here on only Python is taken down, with nobody left who could say a line."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """What a signal waits for."""
    with _writing:
        yield


def _wait(woken: int) -> None:
    for number in iter(lambda: os.read(woken, 1), b""):
        if number[0] in (signal.SIGINT, signal.SIGTERM):
            _writing.acquire(timeout=_PATIENCE)
            begin = "\n" if bar_shown.is_set() else ""
            os.write(2, f"{begin}error: {INTERRUPTED}\n".encode())
            os._exit(128 + number[0])
