"""What is wrong with a real data set: what can be seen from outside is listed and counted before
any of it is used, what is damaged inside when it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bokehflow.errors import InputError, LensError, MediaError

T = TypeVar("T")

SHOWN = 10


@dataclass
class Problems:
    """Collects the files that cannot be used, by kind: missing, unreadable, mismatched."""

    found: list[tuple[str, Path, str]] = field(default_factory=list)

    def add(self, kind: str, path: Path, reason: str) -> None:
        """Note one bad file."""
        self.found.append((kind, path, reason))

    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        return dict(Counter(kind for kind, _, _ in self.found))

    def of_reading(self, path: Path, read: Callable[[], T], skip_bad: bool) -> T | None:
        """What `read` gives; None, and a note of the file, where it cannot be read and may be
        skipped; so where its tags tell of a lens that is none. Raises InputError where it may not.
        """
        try:
            return read()
        except (MediaError, LensError) as error:
            if not skip_bad:
                told = f"{path}: {error}" if isinstance(error, LensError) else str(error)
                raise InputError(told, remedy="mend it or pass --skip-bad") from error
            kind = "mismatched" if isinstance(error, LensError) else "unreadable"
            self.add(kind, path, str(error))
            return None

    def settle(self, what: str, usable: int, skip_bad: bool) -> None:
        """Raise InputError for bad pairs unless they may be skipped, and where none is left."""
        if self.found and not skip_bad:
            raise InputError(self._summary(what, usable), remedy="mend them or pass --skip-bad")
        if not usable:
            raise InputError(f"{what}: nothing that can be used. {self._summary(what, 0)}")

    def _summary(self, what: str, usable: int) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(self.counts().items()))
        shown = [f"{path} ({reason})" for _, path, reason in self.found[:SHOWN]]
        more = len(self.found) - len(shown)
        rest = f", and {more} more" if more > 0 else ""
        return f"{what}: {kinds or 'no pair'}, {usable} good: {', '.join(shown)}{rest}"
