from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

from bokehflow.cli.streams import one_line
from bokehflow.cli.terminal import text_table

SHOW_PROGRESS = """
from bokehflow.cli.terminal import progress_bar
with progress_bar("rendering", 2) as advance:
    advance()
    advance()
print("done")
"""

SPEAKING = """
import ctypes, sys
from bokehflow.cli import main as command_line
invoke = command_line.invoke
def speaking(arguments):
    ctypes.CDLL(None).puts(b"a library speaks")
    return invoke(arguments)
command_line.invoke = speaking
sys.argv = ["bfx", "info", "--json"]
command_line.main()
"""


def test_a_table_is_aligned_and_never_wrapped() -> None:
    name = "n" * 200
    assert text_table(("file", "dB"), [("a", 41.5), (name, 8)]).splitlines() == [
        "file" + " " * 198 + "dB",
        "-" * 200 + "  ----",
        "a" + " " * 201 + "41.5",
        name + "  8",
    ]


def test_what_c_holds_back_of_standard_output_does_not_spoil_the_document() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-c", SPEAKING],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)
    assert "a library speaks" in done.stderr


def test_one_line() -> None:
    assert one_line(" two\n lines\t") == "two lines"


def test_the_progress_bar_is_silent_off_a_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOW_PROGRESS], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_the_progress_bar_shows_on_a_terminal_and_leaves_stdout_alone() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        done = subprocess.run(
            [sys.executable, "-c", SHOW_PROGRESS],
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm"},
            check=True,
        )
        os.close(theirs)
        shown = terminal.read(65536)
    assert done.stdout == b"done\n"
    assert b"rendering" in shown
