"""A promised bar beside what was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from bokehflow.benchmarks.tables import Table


@dataclass(frozen=True, slots=True)
class Check:
    """One bar: `measured` must be at least (or at most) `bar`."""

    name: str
    measured: float
    bar: float
    at_least: bool

    @property
    def holds(self) -> bool:
        """Whether the bar is met."""
        return self.measured >= self.bar if self.at_least else self.measured <= self.bar

    def document(self) -> dict[str, object]:
        """The bar as JSON holds it."""
        return dataclasses.asdict(self) | {"holds": self.holds}


def check_table(checks: Sequence[Check]) -> Table:
    """Every bar, what was measured, and whether it holds."""
    rows = [
        (
            check.name,
            f"{check.measured:.4g}",
            f"{'>=' if check.at_least else '<='} {check.bar:g}",
            "yes" if check.holds else "NO",
        )
        for check in checks
    ]
    return Table("Bars", ("bar", "measured", "wanted", "holds"), rows)
