"""Signals that ask the process to end, at awkward moments."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import bokehflow.cli.main as command_line
from bokehflow.cli import interruption
from bokehflow.cli.interruption import Terminated
from tests.cli.runner import Bfx

SWALLOWING = """
import os, signal, time
try:
    os.kill(os.getpid(), signal.{name})
    time.sleep(0.2)
except BaseException:
    print("swallowed")
print("whole")
"""
STARTED = """
from bokehflow.cli.interruption import clean_up_when_terminated
clean_up_when_terminated()
import swallowing, time
time.sleep(20)
"""
LOST = """
from bokehflow.cli.interruption import clean_up_when_terminated
clean_up_when_terminated()
import os, signal, sys, time
class Last:
    def __del__(self):
        os.kill(os.getpid(), getattr(signal, sys.argv[1]))
        time.sleep(0.01)
Last()
time.sleep(20)
"""
ENDING = """
import atexit, os, signal, sys, time
from bokehflow.cli import main as command_line
def again():
    for name in ("SIGINT", "SIGTERM", "SIGALRM"):
        os.kill(os.getpid(), getattr(signal, name))
    time.sleep(0.1)
def interrupted(_):
    raise KeyboardInterrupt
atexit.register(again)
command_line.invoke = interrupted
command_line.main()
"""
TELLING = """
import os, signal
from bokehflow.cli import main as command_line
def interrupted(_):
    signal.raise_signal(signal.SIGINT)
def told_slowly(text):
    signal.raise_signal(signal.SIGINT)
    print(text, flush=True)
command_line.invoke, command_line.streams.say = interrupted, told_slowly
command_line.main()
"""
INTERRUPTED_IMPORT = """
import sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "bokehflow.cli.main":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
from bokehflow.cli.entry import main
main()
"""


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", -signal.SIGINT)])
def test_a_signal_waits_for_the_end_of_an_import(tmp_path: Path, name: str, code: int) -> None:
    (tmp_path / "swallowing.py").write_text(SWALLOWING.format(name=name))
    done = subprocess.run(
        [sys.executable, "-c", STARTED], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, "whole\n")


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGINT", -signal.SIGINT)])
def test_a_signal_that_nothing_can_catch_comes_again(name: str, code: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOST, name], capture_output=True, text=True, check=False, timeout=15
    )
    assert done.returncode == code
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    ("number", "code", "told"), [(15, 143, "ended by SIGTERM"), (2, 130, "interrupted")]
)
def test_an_error_made_of_a_signal_is_told_as_the_signal(
    bfx: Bfx, monkeypatch: pytest.MonkeyPatch, number: int, code: int, told: str
) -> None:
    def interrupted(_: object) -> None:
        try:
            interruption._end(number, None)
        except (Terminated, KeyboardInterrupt):
            raise ValueError("could not determine the shape") from None

    monkeypatch.setattr(interruption, "_asked", [])
    monkeypatch.setattr(command_line, "invoke", interrupted)
    completed = bfx("info")
    assert (completed.exit_code, completed.stderr.strip()) == (code, told)


def test_a_second_interrupt_does_not_change_how_the_first_one_ends() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_a_second_interrupt_does_not_cut_short_what_is_told_of_the_first() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TELLING], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "interrupted\n", "")


@pytest.mark.parametrize("flags", [[], ["--json"]], ids=str)
def test_an_interrupt_of_the_first_moments_is_quiet(flags: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT, *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert bool(done.stdout) == bool(flags)
    if flags:
        assert json.loads(done.stdout)["error"]["exit_code"] == 130
