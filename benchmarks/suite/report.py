"""The suite's result file and its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bokehflow.benchmarks.checks import Check, bar_facts, check_table, read_check
from bokehflow.benchmarks.environment import describe_environment
from bokehflow.benchmarks.latency.bundle import runner_sha256
from bokehflow.benchmarks.latency.record import PACKAGES
from bokehflow.benchmarks.tables import NONE, Row, Table

SCHEMA = "bokehflow.latency/1"
_COLUMNS = ("model", "scan", "runtime", "threads", "frame, network", "p50, ms", "p90, ms",
            "variation", "FPS", "process, MB", "status")  # fmt: skip


def suite_document(
    rows: Sequence[Mapping[str, Any]], bars: Sequence[Check], source: str
) -> dict[str, Any]:
    """Everything that was measured, as JSON holds it. source: hash of the measured sources."""
    return {
        "schema": SCHEMA,
        "environment": describe_environment(PACKAGES),
        "source_sha256": source,
        "runner_sha256": runner_sha256(),
        "rows": list(rows),
        "bars": [bar_facts(bar) for bar in bars],
    }


def suite_tables(document: Mapping[str, Any]) -> list[Table]:
    """The bars, then the rows of each group."""
    groups = dict.fromkeys(row["group"] for row in document["rows"])
    tables = [check_table([read_check(bar) for bar in document["bars"]], digits=3)]
    for group in groups:
        cells = [_cells(row) for row in document["rows"] if row["group"] == group]
        tables.append(Table(f"Nano, {group}", _COLUMNS, cells))
    return tables


def _cells(row: Mapping[str, Any]) -> Row:
    times, memory = row["times"], row["memory"]
    hint = "".join(f", {v}" for k, v in row["arguments"].items() if k != "scan")
    head = (row["model"], row["scan"], f"{row['runtime']}{hint}", str(row["threads"] or "default"),
            f"{row['frame_size']}, {row['network_size']}")  # fmt: skip
    if times is None:
        return (*head, *(NONE,) * 5, f"{row['status']}: {row['reason']}")
    peak = memory["process_peak_bytes"]
    return (
        *head,
        f"{times['p50_ms']:.1f}",
        f"{times['p90_ms']:.1f}",
        f"{times['variation']:.1%}",
        f"{times['fps']:.2f}",
        NONE if peak is None else f"{peak / 1e6:.0f}",
        row["status"],
    )
