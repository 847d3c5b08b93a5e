"""What a command hands back: one `CommandResult`, which `bokehflow.cli.main` alone prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bokehflow.json_text import json_text


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command found: `document` for `--json`, `text` for people, and the exit code.

    document holds only what JSON can: finite numbers, strings, lists, mappings (paths become
    strings); None where another process writes it. A command whose check failed returns exit_code 1
    and still shows what it measured.
    """

    document: Mapping[str, object] | None
    text: str
    exit_code: int = 0
    warnings: Sequence[str] = ()

    def __post_init__(self) -> None:
        # A document that JSON cannot hold is our own mistake, with or without --json.
        if self.document is not None:
            json_text(self.document)
