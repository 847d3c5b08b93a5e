from __future__ import annotations

import os
import pty
import subprocess
import sys

from bokehflow.cli.output import one_line, text_table

SHOW_PROGRESS = """
from bokehflow.cli.output import progress_bar
with progress_bar("rendering", 2) as advance:
    advance()
    advance()
print("done")
"""


def test_a_table_is_aligned_and_never_wrapped() -> None:
    name = "n" * 200
    assert text_table(("file", "dB"), [("a", 41.5), (name, 8)]).splitlines() == [
        "file" + " " * 198 + "dB",
        "-" * 200 + "  ----",
        "a" + " " * 201 + "41.5",
        name + "  8",
    ]


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
