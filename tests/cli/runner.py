"""What one run of `bfx` gives a test."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Completed:
    """What one run of `bfx` returned and wrote."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """The one JSON document on standard output; anything else there is a failure."""
        return json.loads(self.stdout)

    def require_plain_error(self, exit_code: int) -> str:
        """Assert one plain line and nothing else; return it."""
        assert self.exit_code == exit_code, self.stderr
        assert self.stdout == ""
        lines = self.stderr.splitlines()
        assert len(lines) == 1, self.stderr
        assert lines[0].startswith("error: ")
        return lines[0]


Bfx = Callable[..., Completed]
