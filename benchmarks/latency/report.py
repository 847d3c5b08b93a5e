"""The rows of a record as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bokehflow.benchmarks.checks import check_cells, read_check
from bokehflow.benchmarks.latency.stages import STAGES
from bokehflow.benchmarks.tables import NONE, Row, Table

Rows = Sequence[Mapping[str, Any]]
_TIMES = ("load", "first", "p50", "p90", "p99")
_COLUMNS = ("artifact", "runtime", "threads", *(f"{name}, ms" for name in _TIMES), "variation",
            "FPS", "process, MB", "model, MB", "status")  # fmt: skip


def row_tables(rows: Rows) -> list[Table]:
    """Times and status; stages where they were profiled; the budgets that could be judged."""
    tables = [Table("Artifacts", _COLUMNS, [_time_cells(row) for row in rows])]
    staged = [_stage_cells(row) for row in rows if row["stages"] is not None]
    if staged:
        tables.append(Table("Milliseconds by stage, profiled", ("artifact", *STAGES), staged))
    tables.append(_budget_table(rows))
    return tables


def _time_cells(row: Mapping[str, Any]) -> Row:
    runtime, times, memory = row["runtime"], row["times"], row["memory"]
    name = " ".join(part for part in (runtime["name"], runtime["version"]) if part)
    head = (row["artifact"]["name"], name, str(runtime["threads"] or "default"))
    status = row["status"] if row["reason"] is None else f"{row['status']}: {row['reason']}"
    if times is None:
        return (*head, *(NONE for _ in _COLUMNS[len(head) : -1]), status)
    milliseconds = (f"{times[f'{key}_ms']:.1f}" for key in _TIMES)
    sizes = (_megabytes(memory[f"{key}_peak_bytes"]) for key in ("process", "model"))
    return (
        *head,
        *milliseconds,
        f"{times['variation']:.1%}",
        f"{times['fps']:.1f}",
        *sizes,
        status,
    )


def _stage_cells(row: Mapping[str, Any]) -> Row:
    name, stages = row["artifact"]["name"], row["stages"]
    if stages["error"] is not None:
        return (f"{name}: {stages['error']}", *(NONE for _ in STAGES))
    return (name, *(f"{stage['ms']:.1f} ({stage['share']:.0%})" for stage in stages["by_stage"]))


def _budget_table(rows: Rows) -> Table:
    """The budgets that a row could be held to, and in the title how many could not."""
    budgets = [
        (row["artifact"]["name"], read_check(budget)) for row in rows for budget in row["budgets"]
    ]
    judged = [
        (name, *check_cells(budget), budget.verdict)
        for name, budget in budgets
        if budget.found is not None
    ]
    apart = f"{len(budgets) - len(judged)} were not run here, --json says why"
    return Table(f"Budgets; {apart}", ("artifact", "budget", "limit", "found", "holds"), judged)


def _megabytes(size: int | None) -> str:
    return NONE if size is None else f"{size / 1e6:.0f}"
