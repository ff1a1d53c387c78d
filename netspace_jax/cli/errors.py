"""How a command ends: one line for bad input, for a disk that cannot be written, and for an interruption."""

import contextlib
import errno
import signal
import sys
import threading
from collections.abc import Iterator

from netspace_jax.errors import InputError

# A disk or a place on it that cannot be written.
_DISK = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR,
    errno.EEXIST, errno.ENAMETOOLONG,
)  # fmt: skip


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """End the process with one line: status 2 for bad input, 1 for a disk that cannot be written, 130 for Ctrl-C."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except InputError as error:
        sys.exit(_say(str(error), 2))
    except OSError as error:
        if error.errno not in _DISK:
            raise
        message = (
            f"cannot write {error.filename or 'the results'} ({error.strerror}); what was finished is kept, and the "
        )
        sys.exit(_say(message + "same command goes on from it", 1))
    except KeyboardInterrupt:
        sys.exit(_say("interrupted; the same command goes on from what was finished", 130))


def _say(message: str, status: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return status
