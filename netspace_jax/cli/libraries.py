"""What libraries say of themselves while a command runs: into a file beside the run, not on the screen.

Orbax logs tracebacks of files that it cannot read or write, and leaves coroutines behind, of which Python complains.
"""

import contextlib
import gc
import logging
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator

from etils import epath

from netspace_jax.files import LOG, append_text, location

_LIBRARIES = ("absl", "asyncio", "etils", "orbax", "tensorstore")


class Said(logging.Handler):
    """Keeps what was said until the command has ended.

    Attributes:
      place: directory of the run or the zoo; None before it is known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        self.place: epath.PathLike | None = None
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self._lines.append(self.format(record))

    def unraisable(self, found: "sys.UnraisableHookArgs") -> None:
        """Keep what Python could not raise."""
        self._lines += [f"{found.err_msg or 'ignored'} in {found.object!r}", *_lines(found.exc_value)]

    def in_thread(self, found: threading.ExceptHookArgs) -> None:
        """Keep what ended a thread."""
        self._lines += [f"in thread {found.thread}", *_lines(found.exc_value)]

    def write(self) -> None:
        """Append it to the file beside the run or the zoo, where there is one that can be written."""
        if not self._lines or self.place is None:
            return
        place = location(self.place)
        if (place / "config.json").exists():
            # A full or read-only disk has been named on the screen already.
            with contextlib.suppress(OSError):
                append_text(place / LOG, "\n".join([*self._lines, ""]))


class _OfPython:
    """A hook that is told of threads that Python began, and not of those of a library's compiled code."""

    def __init__(self, hook: Callable[["sys.UnraisableHookArgs"], object]):
        self._hook = hook

    def __call__(self, found: "sys.UnraisableHookArgs") -> None:
        if not isinstance(threading.current_thread(), threading._DummyThread):
            self._hook(found)


def _lines(error: BaseException | None) -> list[str]:
    return [] if error is None else "".join(traceback.format_exception(error)).splitlines()


@contextlib.contextmanager
def libraries_apart() -> Iterator[Said]:
    """While this lasts, libraries' messages are kept in what it gives, and then written.

    What TensorStore's own threads cannot raise stays off the screen for good: after a failure they live on.
    """
    said = Said()
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    hooks = sys.unraisablehook, threading.excepthook
    for logger in loggers:
        logger.handlers, logger.propagate = [said], False
    sys.unraisablehook, threading.excepthook = said.unraisable, said.in_thread
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            try:
                yield said
            except BaseException:
                gc.collect()  # what a failure left behind complains now, not when the process ends
                raise
    finally:
        quiet = hooks[0] if isinstance(hooks[0], _OfPython) else _OfPython(hooks[0])
        sys.unraisablehook, threading.excepthook = quiet, hooks[1]
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
        said.write()
