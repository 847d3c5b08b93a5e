from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from bokehflow import __version__
from bokehflow.cli import main
from bokehflow.cli.command_result import CommandResult
from bokehflow.errors import CheckError, MediaError, MissingDependencyError
from tests.cli.runner import Bfx


def _stand_in(monkeypatch: pytest.MonkeyPatch, outcome: BaseException | CommandResult) -> None:
    def invoke(_arguments: Sequence[str]) -> CommandResult:
        # What a chatty library does, from Python and from C.
        print("chatter")
        os.write(1, b"more chatter\n")
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(main, "invoke", invoke)


FAILURES = {
    "bad input": (MediaError("a.jpg is bad", "a good one", "mend it"), 2, "MediaError"),
    "failed check": (CheckError("41 dB"), 1, "CheckError"),
    "missing extra": (
        MissingDependencyError("openvino", "openvino", "x"),
        3,
        "MissingDependencyError",
    ),
    "a folder that may not be searched": (
        PermissionError(errno.EACCES, "Permission denied", "no/a.onnx"),
        2,
        "PermissionError",
    ),
    "a full disk that a package writes to": (
        OSError(errno.ENOSPC, "No space left on device"),
        2,
        "OutputError",
    ),
    "our own mistake": (KeyError("oops"), 70, "InternalError"),
    "interrupt": (KeyboardInterrupt(), 130, "Interrupted"),
    "asked to end": (main.Terminated(signal.SIGTERM), 143, "Interrupted"),
    "no memory": (MemoryError("Unable to allocate 383. GiB"), 2, "MemoryError"),
    "no memory for torch": (
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] data. DefaultCPUAllocator: can't"),
        2,
        "MemoryError",
    ),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_failures_have_their_exit_code_and_one_line(
    bfx: Bfx, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    error, exit_code, _ = FAILURES[kind]
    _stand_in(monkeypatch, error)
    completed = bfx("anything")
    assert completed.exit_code == exit_code
    assert len(completed.stderr.splitlines()) == 1
    assert "Traceback" not in completed.stderr


@pytest.mark.parametrize("kind", FAILURES)
def test_failures_are_one_document_under_json(
    bfx: Bfx, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    error, exit_code, name = FAILURES[kind]
    _stand_in(monkeypatch, error)
    completed = bfx("anything", "--json")
    assert completed.exit_code == exit_code
    assert completed.document["error"]["type"] == name
    assert completed.document["error"]["exit_code"] == exit_code


def test_an_error_keeps_found_expected_and_remedy_apart(
    bfx: Bfx, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stand_in(monkeypatch, MediaError("a.jpg is bad", "a good one", "mend it"))
    error = bfx("--json", "anything").document["error"]
    assert (error["found"], error["expected"], error["remedy"]) == (
        "a.jpg is bad", "a good one", "mend it",
    )  # fmt: skip


def test_a_result_is_text_or_one_document(bfx: Bfx, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(monkeypatch, CommandResult({"db": 41.5}, "41.5 dB", 1, warnings=["low"]))
    plain = bfx("anything")
    assert plain.exit_code == 1
    assert plain.stdout.endswith("41.5 dB\n")
    assert plain.stderr == "warning: low\n"
    as_json = bfx("anything", "--json")
    assert as_json.exit_code == 1
    assert as_json.document == {"db": 41.5}
    assert "chatter" in as_json.stderr


def test_the_traceback_is_shown_on_request_only(bfx: Bfx, monkeypatch: pytest.MonkeyPatch) -> None:
    _stand_in(monkeypatch, KeyError("oops"))
    assert "Traceback" not in bfx("anything").stderr
    shown = bfx("anything", "--traceback")
    assert "Traceback" in shown.stderr
    assert shown.exit_code == 70


def test_a_result_that_json_cannot_hold_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="JSON"):
        CommandResult({"db": float("inf")}, "")


MISUSES = {
    "unknown command": ["rendr"],
    "unknown option": ["doctor", "--fnumber", "2"],
    "missing argument": ["render"],
    "not a number": ["render", "a.jpg", "--f-number", "wide"],
    "option without value": ["render", "a.jpg", "--f-number"],
}


@pytest.mark.parametrize("kind", MISUSES)
def test_misuse_is_one_line_and_exit_code_2(bfx: Bfx, kind: str) -> None:
    line = bfx(*MISUSES[kind]).require_plain_error(2)
    assert "--help" in line
    completed = bfx(*MISUSES[kind], "--json")
    assert completed.exit_code == 2
    assert completed.document["error"]["type"] == "UsageError"


def test_an_empty_argument_is_told_as_one(bfx: Bfx) -> None:
    line = bfx("render", "a.jpg", "-o", "").require_plain_error(2)
    assert "an empty argument" in line


def test_no_command_shows_the_help(bfx: Bfx) -> None:
    assert "render" in bfx("--help").stdout
    assert bfx("--help").exit_code == 0
    completed = bfx()
    # Typer's versions disagree on the stream and the exit code.
    assert "render" in completed.stdout + completed.stderr
    assert completed.exit_code in (0, 2)


@pytest.mark.parametrize("group", [[], ["data"], ["data", "import"]], ids=" ".join)
def test_a_group_without_a_command_shows_its_help_as_it_is(bfx: Bfx, group: list[str]) -> None:
    completed = bfx(*group)
    assert completed.stdout + completed.stderr == bfx(*group, "--help").stdout
    if completed.exit_code:
        assert bfx(*group, "--json").document["error"]["message"].startswith("no command")


def test_the_version_is_told_as_text_and_as_json(bfx: Bfx) -> None:
    assert bfx("--version").stdout == f"bfx {__version__}\n"
    assert bfx("--version", "--json").document == {"version": __version__}


@pytest.mark.parametrize("arguments", [["--json", "--help"], ["render", "--help", "--json"]])
def test_help_is_text_under_json_too(bfx: Bfx, arguments: list[str]) -> None:
    plain = bfx(*(one for one in arguments if one != "--json"))
    assert bfx(*arguments) == plain
    assert plain.stdout.startswith("Usage: bfx")


@pytest.mark.parametrize("command", ["doctor", "render"])
def test_every_command_has_help_with_an_example(bfx: Bfx, command: str) -> None:
    text = bfx(command, "--help").stdout
    assert f"bfx {command}" in text
    assert "Example" in text
    assert "--json" in text


@pytest.mark.parametrize("command", ["export", "evaluate", "info", "render"])
def test_help_names_every_variant(bfx: Bfx, command: str) -> None:
    assert "nano, small or base." in bfx(command, "--help").stdout


def test_the_command_line_starts_without_the_heavy_packages() -> None:
    script = (
        "import sys, bokehflow.cli.main; "
        "heavy = {'torch', 'numpy', 'av', 'PIL', 'onnx', 'openvino', 'coremltools'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    assert _shell("render --help | true").stderr == ""


@pytest.mark.parametrize("flag", ["", "--json"], ids=["text", "json"])
@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"], ids=["full", "closed"])
def test_a_result_that_cannot_be_printed_is_one_plain_error(flag: str, redirection: str) -> None:
    done = _shell(f"doctor {flag} {redirection}")
    assert done.returncode == 2
    assert done.stderr.startswith("error: standard output cannot be written: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"], ids=["full", "closed"])
def test_a_command_works_where_nothing_can_be_told(redirection: str) -> None:
    done = _shell(f"doctor --json {redirection}")
    assert done.returncode == 0
    assert "packages" in json.loads(done.stdout)
    assert _shell(f"rendr {redirection}").returncode == 2


def test_a_working_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        f"rmdir '{gone}'; '{sys.executable}' -m bokehflow.cli.main info --json",
        shell=True,
        cwd=gone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "working folder no longer exists" in json.loads(done.stdout)["error"]["message"]
    assert len(done.stderr.splitlines()) == 1


def _shell(command: str) -> subprocess.CompletedProcess[str]:
    """`bfx` as a shell runs it, redirections and all."""
    return subprocess.run(
        f"{sys.executable} -m bokehflow.cli.main {command}",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_readme_names_one_file_to_quantize_as_the_help_does(bfx: Bfx) -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    (line,) = (line for line in readme.splitlines() if line.startswith("bfx quantize "))
    assert line.partition("#")[0].strip() in bfx("quantize", "--help").stdout
