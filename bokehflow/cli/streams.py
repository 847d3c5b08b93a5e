"""Standard output and standard error: the one carries a result and nothing else, the other all that
a person should know beside it."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys
from collections.abc import Callable, Iterator


def one_line(message: str) -> str:
    """`message` with every run of white space, line ends included, made one space."""
    return " ".join(message.split())


def say(line: str) -> None:
    """Write one line to standard error: what a person should know beside the result."""
    tell(one_line(line))


def tell(text: str) -> None:
    """Write text to standard error as it is."""
    with contextlib.suppress(OSError):  # full or closed: nobody can be told of that either
        print(text, file=sys.stderr, flush=True)


def require_streams() -> None:
    """Raise OSError where standard output was closed by the caller; let a closed standard error
    lead nowhere. The next file that is opened would get its number, and with it our output."""
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    if sys.stdout is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def drop_stdout() -> None:
    """Let standard output lead nowhere, so that what it still holds is no error at exit."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def stdout_kept_clean() -> Iterator[Callable[[str], None]]:
    """Send everything written to standard output to standard error; yield a writer to the real one.

    Some libraries print to standard output, from Python or from C. Under `--json` that would spoil
    the document, so file descriptor 1 itself is moved while the command runs.
    """
    _flush_stdout()
    real_stdout = os.dup(1)
    os.dup2(2, 1)
    try:
        with (
            os.fdopen(real_stdout, "w", encoding="utf-8", closefd=False) as stream,
            contextlib.redirect_stdout(sys.stderr),
        ):
            yield lambda text: print(text, file=stream, flush=True)
    finally:
        _flush_stdout()
        os.dup2(real_stdout, 1)
        os.close(real_stdout)


def _flush_stdout() -> None:
    """Write what Python and C hold back of standard output to where it leads now."""
    sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
