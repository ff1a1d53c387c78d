"""Messages of libraries while a command runs: into a file beside the run, not on the screen.

Orbax logs tracebacks of files that it cannot read or write, and leaves coroutines behind, of which Python complains.
"""

import contextlib
import gc
import logging
import sys
import threading
import warnings
from collections.abc import Iterator

from etils import epath

from netspace_jax.files import LOG, append_text, location

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False
_LOGGERS = (__name__, "netspace_jax.evaluations", "absl", "asyncio", "etils", "orbax", "tensorstore")


class LogCapture(logging.Handler):
    """Keeps messages until the command has ended.

    Attributes:
      directory: of the run; None before it is known.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
        self.directory: epath.PathLike | None = None
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self._lines.append(self.format(record))

    def write(self) -> None:
        """Append the messages to the file beside the run, where there is a run that can be written."""
        if self._lines and self.directory is not None and (location(self.directory) / "config.json").exists():
            # A full or read-only disk has been named on the screen already.
            with contextlib.suppress(OSError):
                append_text(location(self.directory) / LOG, "\n".join([*self._lines, ""]))


def _log_unraisable(error: "sys.UnraisableHookArgs") -> None:
    _log.error("%s in %r", error.err_msg or "ignored", error.object, exc_info=error.exc_value)


def _log_thread(error: threading.ExceptHookArgs) -> None:
    _log.error("in thread %s", error.thread, exc_info=error.exc_value)


@contextlib.contextmanager
def captured_logs() -> Iterator[LogCapture]:
    """Keep the messages of libraries off the screen, and write them to a file in the end.

    After a failure the hook of errors that cannot be raised stays: threads of TensorStore live on until the process
    ends, and complain.
    """
    capture = LogCapture()
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    hooks = sys.unraisablehook, threading.excepthook
    for logger in loggers:
        logger.handlers, logger.propagate = [capture], False
    sys.unraisablehook, threading.excepthook = _log_unraisable, _log_thread
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            try:
                yield capture
            except BaseException:
                gc.collect()  # what a failure left behind complains now, not when the process ends
                raise
        sys.unraisablehook = hooks[0]
    finally:
        threading.excepthook = hooks[1]
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
        capture.write()
