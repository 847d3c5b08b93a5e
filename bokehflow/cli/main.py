"""The entry point of `bfx`: parse, run one command, print its result or one plain error line.

Exit codes: `bokehflow.cli.failure`.
"""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from bokehflow import __version__
from bokehflow.cli import streams
from bokehflow.cli.app import VERSION_FLAG, app
from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.failure import describe_failure, lacks_command
from bokehflow.cli.help_text import JSON_FLAG, TRACEBACK_FLAG
from bokehflow.cli.interruption import (
    Terminated,
    clean_up_when_terminated,
    end_undisturbed,
    what_ended,
)
from bokehflow.errors import OutputError, UsageError
from bokehflow.json_text import json_text

HELP_FLAG = "--help"


def invoke(arguments: Sequence[str]) -> CommandResult | str:
    """Parse `arguments` and run the command, or give the help or the version.

    Raises what the command raises.
    """
    if "" in arguments:
        raise UsageError("an empty argument", "a name or a value", "is a variable unset?")
    _require_working_folder()
    if arguments[:1] == [VERSION_FLAG]:
        return CommandResult({"version": __version__}, f"bfx {__version__}")
    command, printed = typer.main.get_command(app), io.StringIO()
    asks_for_help = HELP_FLAG in arguments
    try:
        with (
            contextlib.redirect_stdout(printed) if asks_for_help else contextlib.nullcontext(),
            command.make_context("bfx", list(arguments)) as context,
        ):
            result = command.invoke(context)
    except typer.Exit:
        return printed.getvalue().rstrip()
    if not isinstance(result, CommandResult):
        raise TypeError(f"the command returned {type(result).__name__}, not a CommandResult")
    return result


def _require_working_folder() -> None:
    # PyTorch's libraries end the process where it is gone, and blame the installation.
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "the working folder no longer exists", "one that does", "change to another"
        ) from error


def run(arguments: Sequence[str]) -> int:
    """Run `bfx` with these arguments, print what it finds, and return the exit code."""
    flags = {JSON_FLAG, TRACEBACK_FLAG}.intersection(arguments)
    rest = [argument for argument in arguments if argument not in flags]
    show_traceback = TRACEBACK_FLAG in flags
    as_json = JSON_FLAG in flags
    with streams.stdout_kept_clean() if as_json else contextlib.nullcontext(print) as write:
        result = _attempt(rest, show_traceback)
        if isinstance(result, str):
            text, exit_code = result, 0
        else:
            document = "" if result.document is None else json_text(result.document)
            text, exit_code = document if as_json else result.text, result.exit_code
        if text:
            write(text)
    return exit_code


def _attempt(arguments: Sequence[str], show_traceback: bool) -> CommandResult | str:
    """The command's result or the help; a failure as a result, already told on standard error."""
    try:
        result = invoke(arguments)
    except BrokenPipeError:
        raise
    except (Exception, KeyboardInterrupt, Terminated) as error:
        if show_traceback:
            traceback.print_exc()
        cause = what_ended(error)
        if isinstance(cause, KeyboardInterrupt | Terminated):
            end_undisturbed()
        text, failure = describe_failure(cause)
        tell = streams.tell if lacks_command(cause) else streams.say
        tell(text)
        return failure
    for warning in () if isinstance(result, str) else result.warnings:
        streams.say(f"warning: {warning}")
    return result


def main() -> NoReturn:
    """Run `bfx` with the arguments of this process and exit."""
    clean_up_when_terminated()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name may hold bytes that are no text in this locale; show them escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        streams.require_streams()
        exit_code = run(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        streams.drop_stdout()
        # Where the reader of our output has gone (`bfx info | head`), there is nobody to tell.
        exit_code = 1 if isinstance(error, BrokenPipeError) else _tell_stdout_failed(error)
    end_undisturbed()
    sys.exit(exit_code)


def _tell_stdout_failed(error: OSError) -> int:
    """Say that the result could not be printed; the exit code."""
    failure = OutputError(
        f"standard output cannot be written: {error.strerror}",
        remedy="send it elsewhere or free some space",
    )
    streams.say(f"error: {failure}")
    return failure.exit_code


if __name__ == "__main__":
    main()
