from __future__ import annotations

import pytest

from bokehflow.cli.main import run
from tests.cli.runner import Bfx, Completed


@pytest.fixture
def bfx(capfd: pytest.CaptureFixture[str]) -> Bfx:
    """Run `bfx` in this process, its two output streams captured as the system sees them."""

    def call(*arguments: object) -> Completed:
        capfd.readouterr()
        exit_code = run([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Completed(exit_code, captured.out, captured.err)

    return call
