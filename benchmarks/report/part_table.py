"""Where the time of quantized artifacts goes, as tables."""

from __future__ import annotations

from bokehflow.benchmarks.report.document import RowReport
from bokehflow.benchmarks.report.slow_parts import SlowParts
from bokehflow.benchmarks.tables import Row, Table


def part_tables(row: RowReport) -> list[Table]:
    """The parts of one artifact beside those of its float32 twin; none where not counted."""
    found = row.slow_parts
    if not isinstance(found, SlowParts):
        return []
    rows: list[Row] = [
        (one.part, *_cells(one.float_ms, one.quantized_ms))
        for one in found.parts
        if one.float_ms or one.quantized_ms
    ]
    rows.append(("all", *_cells(found.float_ms, found.quantized_ms)))
    title = (
        f"Where the time of {row.short_name} goes (ms a frame by OpenVINO's counters, "
        f"medians of {found.frames} frames, in turn with {found.twin})"
    )
    return [Table(title, ("part", "float32", "8 bits", "difference"), rows)]


def _cells(float_ms: float, quantized_ms: float) -> Row:
    return f"{float_ms:.1f}", f"{quantized_ms:.1f}", f"{quantized_ms - float_ms:+.1f}"
