"""A promised limit beside what was found: how it is made, recorded, read back and shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bokehflow.benchmarks.tables import NOT_RUN, Table, significant

CHECK_COLUMNS = ("bar", "wanted", "measured", "holds")
_VERDICTS = {True: "yes", False: "NO", None: NOT_RUN}


@dataclass(frozen=True, slots=True)
class Check:
    """A limit, in the unit of `unit`. found None, holds None: not run; `why_not` may say why."""

    name: str
    limit: float
    unit: str
    at_least: bool
    found: float | None = None
    why_not: str | None = None

    @property
    def holds(self) -> bool | None:
        """Whether what was found keeps to the limit."""
        if self.found is None:
            return None
        return self.found >= self.limit if self.at_least else self.found <= self.limit

    @property
    def wanted(self) -> str:
        """Direction, limit and unit."""
        return f"{'>=' if self.at_least else '<='} {self.limit:g} {self.unit}".strip()

    @property
    def verdict(self) -> str:
        """Whether it holds, in a word."""
        return _VERDICTS[self.holds]


def at_least(
    name: str, found: float | None, limit: float, unit: str = "", why_not: str | None = None
) -> Check:
    """A check that a larger value passes."""
    return Check(name, limit, unit, True, found, why_not)


def at_most(
    name: str, found: float | None, limit: float, unit: str = "", why_not: str | None = None
) -> Check:
    """A check that a smaller value passes."""
    return Check(name, limit, unit, False, found, why_not)


def bar_facts(check: Check) -> dict[str, Any]:
    """A check as `bars` and `budgets` of records hold it: every field, and `holds`."""
    return {**dataclasses.asdict(check), "holds": check.holds}


def check_facts(check: Check) -> dict[str, Any]:
    """A check as `checks` of records hold it: name, measured, bar, at_least, holds."""
    return {
        "name": check.name,
        "measured": check.found,
        "bar": check.limit,
        "at_least": check.at_least,
        "holds": check.holds,
    }


def read_check(facts: Mapping[str, Any]) -> Check:
    """What `bar_facts` or `check_facts` recorded."""
    of_checks = "bar" in facts
    return Check(
        name=facts["name"],
        limit=facts["bar" if of_checks else "limit"],
        unit=facts.get("unit", ""),
        at_least=facts["at_least"],
        found=facts["measured" if of_checks else "found"],
        why_not=facts.get("why_not"),
    )


def check_cells(
    check: Check, shown: Callable[[float, str], str] = significant
) -> tuple[str, str, str]:
    """Name, what is wanted and what was found. shown: a value and its unit as text."""
    found = NOT_RUN if check.found is None else shown(check.found, check.unit)
    return check.name, check.wanted, found


def check_table(checks: Sequence[Check], digits: int = 4) -> Table:
    """Every check, what was found, and whether it holds."""
    shown = partial(significant, digits=digits)
    rows = [(*check_cells(check, shown), check.verdict) for check in checks]
    return Table("Bars", CHECK_COLUMNS, rows)
