"""What is told of a command that fails: one plain line, or a JSON document.

Exit codes: those of `bokehflow.errors`; 2 also for a command line that does not parse and for a
file that the operating system refuses in any other way than those errors say, such as a folder on
its path that may not be searched or a name that is too long; 130 after an interrupt, 128 + n when
signal n asks to terminate, 70 for an error of our own.
"""

from __future__ import annotations

import os
from typing import Any

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.interruption import Terminated, interruption
from bokehflow.errors import BokehFlowError
from bokehflow.temporary import lacks_room, no_room

EXIT_INTERNAL = 70
# Typer raises click's exceptions, from click or from a copy inside Typer depending on its version.
_ParseError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
_NO_COMMAND = "NoArgsIsHelpError"
"""The one among them whose message is the whole help: nothing was asked for."""


def describe_failure(error: BaseException) -> tuple[str, CommandResult]:
    """The plain line for a failure, and its JSON document with the exit code.

    Where a group of commands was called without one, its help in place of the line.
    """
    if isinstance(error, BokehFlowError):
        document = bokehflow_error_document(error)
        return f"error: {error}", CommandResult(document, "", error.exit_code)
    if isinstance(error, _ParseError) and lacks_command(error):
        line = error.format_message()
        message, kind, code = "no command was given (see bfx --help)", "UsageError", 2
    elif isinstance(error, _ParseError):
        message, kind, code = f"{error.format_message()} (see bfx --help)", "UsageError", 2
        line = f"error: {message}"
    elif isinstance(error, OSError) and isinstance(error.filename, str | bytes | os.PathLike):
        # Any look at a path may be refused, a plain `exists` too.
        message = f"{os.fsdecode(error.filename)}: {error.strerror}"
        line, kind, code = f"error: {message}", type(error).__name__, 2
    elif isinstance(error, OSError) and lacks_room(error):
        # Packages write temporary files of their own.
        return describe_failure(no_room(error, "a temporary file cannot be written"))
    elif isinstance(error, KeyboardInterrupt | Terminated):
        (message, code), kind = interruption(error), "Interrupted"
        line = message
    elif _lacks_memory(error):
        message, kind, code = "not enough memory; a smaller size needs less", "MemoryError", 2
        line = f"error: {message}"
    else:
        message, kind = f"{type(error).__name__}: {error}", "InternalError"
        line, code = f"internal error: {message} (--traceback shows where)", EXIT_INTERNAL
    return line, CommandResult(error_document(kind, message, code), "", code)


def lacks_command(error: BaseException) -> bool:
    """Whether a group of commands was called without one, which its help answers."""
    return type(error).__name__ == _NO_COMMAND


def _lacks_memory(error: BaseException) -> bool:
    # torch has no type of its own for it on a CPU.
    return isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)


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
