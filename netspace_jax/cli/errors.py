"""How a command ends: one line for bad input, for a disk that cannot be written, and for an interruption."""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator

from netspace_jax.cli.logs import LogCapture, captured_logs
from netspace_jax.errors import InputError
from netspace_jax.signals import INTERRUPTED

# A disk or a place on it that cannot be written.
_DISK = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR,
    errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY,
)  # fmt: skip
_PIPE = 141  # status of a shell's own commands whose reader has gone
# A name that no file can have, or a link that leads to itself.
_NAMES = (errno.ENAMETOOLONG, errno.ELOOP)


@contextlib.contextmanager
def one_line_errors() -> Iterator[LogCapture]:
    """End the process with one line: status 2 for bad input, 1 for a disk that cannot be written, 130 for Ctrl-C.

    Yields what keeps the messages of libraries meanwhile.
    """
    try:
        try:
            with captured_logs() as capture:
                yield capture
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # as of `| head`, which has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_PIPE)
    except InputError as error:
        sys.exit(_say(str(error), 2))
    except OSError as error:
        if error.errno in _NAMES:
            sys.exit(_say(f"{str(error.filename)[:80]} cannot be used ({error.strerror}): name another", 2))
        if error.errno not in _DISK:
            raise
        message = (
            f"cannot write {error.filename or 'the results'} ({error.strerror}); what was finished is kept, and the "
        )
        sys.exit(_say(message + "same command goes on from it", 1))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" not in str(error):  # as XLA says it
            raise
        sys.exit(_say("the memory is full: lower what the command asks for, or free some", 1))
    except KeyboardInterrupt:
        sys.exit(_say(INTERRUPTED, 130))


def _say(message: str, status: int) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return status
