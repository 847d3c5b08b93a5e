"""What ends a benchmark's command is one line and an exit code."""

from __future__ import annotations

import pytest

from bokehflow.benchmarks.script import run_script
from bokehflow.errors import NumericalError, UsageError


@pytest.mark.parametrize(("code", "expected"), [(None, 0), (0, 0), (1, 1)])
def test_work_that_is_done_has_its_own_exit_code(
    code: int | None, expected: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_script(lambda: code) == expected
    assert capsys.readouterr() == ("", "")


ENDINGS = {
    "misuse": (UsageError("rounds=0", "at least 1"), 2, "error: rounds=0; expected at least 1\n"),
    "failure": (NumericalError("no number"), 1, "error: no number\n"),
    "interrupt": (KeyboardInterrupt(), 130, "interrupted; the rows are kept\n"),
}


@pytest.mark.parametrize("kind", ENDINGS)
def test_what_ends_it_is_told_in_one_line(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    ending, code, told = ENDINGS[kind]

    def ended() -> None:
        raise ending

    assert run_script(ended, "the rows are kept") == code
    assert capsys.readouterr() == ("", told)


def test_an_interrupt_that_keeps_nothing_says_no_more(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert run_script(interrupted) == 130
    assert capsys.readouterr().err == "interrupted\n"
