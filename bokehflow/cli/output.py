"""What a command hands back, and how it reaches the terminal or a program.

A command returns one `CommandResult`; only `bokehflow.cli.main` prints it. Standard output carries
the result and nothing else. Warnings, errors and the progress bar go to standard error.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bokehflow.errors import BokehFlowError
from bokehflow.json_text import json_text

EXIT_INTERNAL = 70
JSON_FLAG, TRACEBACK_FLAG = "--json", "--traceback"
EVERY_COMMAND = "Every command also takes --json (one JSON document on stdout) and --traceback."


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command found: `document` for `--json`, `text` for people, and the exit code.

    document holds only what JSON can: finite numbers, strings, lists, mappings (paths become
    strings); None where another process writes it. A command whose check failed returns exit_code 1
    and still shows what it measured.
    """

    document: Mapping[str, object] | None
    text: str
    exit_code: int = 0
    warnings: Sequence[str] = ()

    def __post_init__(self) -> None:
        # A document that JSON cannot hold is our own mistake, with or without --json.
        if self.document is not None:
            json_text(self.document)


def example(*commands: str) -> str:
    """The epilog of a command's `--help`: examples, then the options that every command has."""
    # \b on a line of its own keeps the help formatter from wrapping what follows.
    lines = "\n".join(f"  {command}" for command in commands)
    return f"Example:\n\n\b\n{lines}\n\n{EVERY_COMMAND}"


def error_document(kind: str, message: str, exit_code: int) -> dict[str, object]:
    """The JSON document of a failure that is not one of `bokehflow.errors`."""
    return {"error": {"type": kind, "message": message, "exit_code": exit_code}}


def bokehflow_error_document(error: BokehFlowError) -> dict[str, object]:
    """The JSON document of an error raised on purpose: found, expected and remedy apart."""
    return {
        "error": {
            "type": type(error).__name__,
            "message": str(error),
            "found": error.found,
            "expected": error.expected,
            "remedy": error.remedy,
            "exit_code": error.exit_code,
        }
    }


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


def text_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows under column names, left aligned and never wrapped."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


@contextlib.contextmanager
def progress_bar(description: str, total: int | None) -> Iterator[Callable[..., None]]:
    """A progress bar on standard error, off when that is not a terminal; yields `advance(steps=1)`.

    total: number of steps, or None where it is not known.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=total)
        yield lambda steps=1: progress.advance(task, steps)
