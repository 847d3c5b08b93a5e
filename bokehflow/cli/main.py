"""The entry point of `bfx`: parse, run one command, print its result or one plain error line.

Exit codes: those of `bokehflow.errors`; 2 also for a command line that does not parse and for a
file that the operating system refuses in any other way than those errors say, such as a folder on
its path that may not be searched or a name that is too long; 130 after an interrupt, 128 + n when
signal n asks to terminate, 70 for an error of our own.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer

from bokehflow import __version__
from bokehflow.cli import data, output
from bokehflow.cli.benchmark import benchmark
from bokehflow.cli.doctor import doctor
from bokehflow.cli.evaluate import evaluate
from bokehflow.cli.export import export
from bokehflow.cli.info import info
from bokehflow.cli.interruption import (
    Terminated,
    clean_up_when_terminated,
    end_undisturbed,
    interruption,
    what_ended,
)
from bokehflow.cli.output import CommandResult
from bokehflow.cli.pack import pack
from bokehflow.cli.quality import quality
from bokehflow.cli.quantize import quantize
from bokehflow.cli.render import render
from bokehflow.cli.report import report
from bokehflow.cli.train import export_weights, train
from bokehflow.cli.validate import validate
from bokehflow.errors import BokehFlowError, OutputError, UsageError
from bokehflow.json_text import json_text
from bokehflow.temporary import lacks_room, no_room

# Typer raises click's exceptions, from click or from a copy inside Typer depending on its version.
_ParseError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
_NO_COMMAND = "NoArgsIsHelpError"
"""The one among them whose message is the whole help: nothing was asked for."""
HELP_FLAG = "--help"
VERSION_FLAG = "--version"

app = typer.Typer(
    name="bfx",
    help="BokehFlow: depth and thin-lens bokeh for photos and video, and the toolchain around it.",
    epilog=output.EVERY_COMMAND,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def global_options(
    as_json: bool = typer.Option(
        False,
        output.JSON_FLAG,
        help="One JSON document on standard output, errors included; help is text.",
    ),
    show_traceback: bool = typer.Option(
        False, output.TRACEBACK_FLAG, help="Print the Python traceback of an error."
    ),
    version: bool = typer.Option(False, VERSION_FLAG, help="Print the version and exit."),
) -> None:
    """BokehFlow: depth and thin-lens bokeh for photos and video, and the toolchain around it."""


app.command("doctor", epilog=output.example("bfx doctor", "bfx doctor --json"))(doctor)
app.command("info", epilog=output.example("bfx info", "bfx info --variant small --json"))(info)
app.command(
    "export",
    epilog=output.example(
        "bfx export --variant nano --target all",
        "bfx export --target onnx --size 1080x1920 --network-size full",
    ),
)(export)
app.command(
    "quantize",
    epilog=output.example(
        "bfx quantize dist/bokehflow-nano_720x1280_net288x512_fp32.onnx --recipe int8-mixed",
        "bfx quantize dist/bokehflow-nano_720x1280_net288x512_fp32_openvino --calibration clip.mp4",
    ),
)(quantize)
app.command("pack", epilog=output.example("bfx pack dist/*_openvino dist/*.mlpackage"))(pack)
app.command(
    "validate",
    epilog=output.example(
        "bfx validate dist/bokehflow-nano_720x1280_net288x512_fp32.onnx",
        "bfx validate dist/*.onnx --images photos --frames 8",
    ),
)(validate)
app.command(
    "benchmark",
    epilog=output.example(
        "bfx benchmark dist/*.onnx --threads 2 -o benchmark.json",
        "bfx benchmark dist/*_openvino --runtime-arg precision=bf16",
        "bfx benchmark dist/*.onnx --device ssh://pi@raspberrypi --identity ~/.ssh/id_ed25519",
    ),
)(benchmark)
app.command(
    "report",
    epilog=output.example(
        "bfx report dist/*.onnx dist/*_openvino -o report.html",
        "bfx report dist/*_openvino --data data --images photos --latency benchmark.json --check",
    ),
)(report)
app.command(
    "quality",
    epilog=output.example("bfx quality -o benchmarks/results", "bfx quality --write-scenes scenes"),
)(quality)
app.command(
    "evaluate",
    epilog=output.example(
        "bfx evaluate --data data -o benchmarks/results",
        "bfx evaluate --weights nano.safetensors --data data --limit 24 --pairs motorcycle",
        "bfx evaluate --data data --snapshots runs/nano/snapshots --video bikes.mp4",
    ),
)(evaluate)
app.command(
    "render",
    epilog=output.example(
        "bfx render photo.jpg --depth photo.npy --f-number 1.8 --focus-m 1.5 -o bokeh.jpg",
        "bfx render photo.jpg --depth photo.png --focus-point 50%,40% --depth-out depth.npy",
        "bfx render clip.mp4 --autofocus --f-number 1.4",
        "bfx render frame.png --artifact dist/bokehflow-nano_720x1280_net288x512_fp32.onnx",
    ),
)(render)
app.command(
    "train",
    epilog=output.example(
        "bfx train configs/nano.toml --data data --out runs/nano --resume --minutes 10",
        "torchrun --nproc-per-node 8 --no-python bfx train configs/base.toml --scan triton "
        "--precision bf16",
    ),
)(train)
app.command(
    "export-weights", epilog=output.example("bfx export-weights runs/nano -o nano.safetensors")
)(export_weights)
app.add_typer(data.app, name="data", epilog=output.example("bfx data make training --count 100"))


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
    flags = {output.JSON_FLAG, output.TRACEBACK_FLAG}.intersection(arguments)
    rest = [argument for argument in arguments if argument not in flags]
    show_traceback = output.TRACEBACK_FLAG in flags
    as_json = output.JSON_FLAG in flags
    with output.stdout_kept_clean() if as_json else contextlib.nullcontext(print) as write:
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
        tell = output.tell if _lacks_command(cause) else output.say
        tell(text)
        return failure
    for warning in () if isinstance(result, str) else result.warnings:
        output.say(f"warning: {warning}")
    return result


def describe_failure(error: BaseException) -> tuple[str, CommandResult]:
    """The plain line for a failure, and its JSON document with the exit code.

    Where a group of commands was called without one, its help in place of the line.
    """
    if isinstance(error, BokehFlowError):
        document = output.bokehflow_error_document(error)
        return f"error: {error}", CommandResult(document, "", error.exit_code)
    if isinstance(error, _ParseError) and _lacks_command(error):
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
        line, code = f"internal error: {message} (--traceback shows where)", output.EXIT_INTERNAL
    return line, CommandResult(output.error_document(kind, message, code), "", code)


def _lacks_command(error: BaseException) -> bool:
    return type(error).__name__ == _NO_COMMAND


def _lacks_memory(error: BaseException) -> bool:
    # torch has no type of its own for it on a CPU.
    return isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)


def main() -> NoReturn:
    """Run `bfx` with the arguments of this process and exit."""
    clean_up_when_terminated()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A file name may hold bytes that are no text in this locale; show them escaped.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        output.require_streams()
        exit_code = run(sys.argv[1:])
        sys.stdout.flush()
    except OSError as error:
        output.drop_stdout()
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
    output.say(f"error: {failure}")
    return failure.exit_code


if __name__ == "__main__":
    main()
