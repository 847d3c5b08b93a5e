"""What a recipe recorded of one artifact, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from bokehflow.benchmarks.report.document import RowReport
from bokehflow.benchmarks.report.recorded import Quantization
from bokehflow.benchmarks.tables import Table

DRIFT_ROWS = 11
"""So many frames of the drift are listed, evenly; JSON and the chart have all."""
INPUT_ROWS = 20
"""So many layers are listed with the ranges of their inputs; JSON has all."""


def recorded_tables(row: RowReport) -> list[Table]:
    """Every table that the record of one artifact fills."""
    found = row.quantization
    if found is None:
        return []
    name = row.short_name
    makers = (_layers, _scans, _drift, _gates, _inputs, _growth)
    tables = [make(name, found) for make in makers]
    return [table for table in tables if table.rows]


def _layers(name: str, found: Quantization) -> Table:
    otherwise = "float, on quantized weights" if found.weights_alone else "8 bits"
    rows = [
        (one.layer, f"{one.sqnr_db:.1f}", "float" if one.kept_float else otherwise)
        for one in found.layers
    ]
    return Table(f"Layers of {name}, the noisiest first", ("layer", "SQNR, dB", "kept in"), rows)


def _scans(name: str, found: Quantization) -> Table:
    directions = tuple(found.scans[0].by_direction) if found.scans else ()
    rows = [
        (
            one.layer,
            f"{one.sqnr_db:.1f}",
            *(f"{one.by_direction[way]:.1f}" for way in directions),
            f"{one.by_position[0]:.1f}",
            f"{one.by_position[-1]:.1f}",
        )
        for one in found.scans
    ]
    columns = ("block", "all", *directions, "first tenth", "last tenth")
    return Table(f"Outputs of the scans of {name}, SQNR in dB", columns, rows)


def _drift(name: str, found: Quantization) -> Table:
    count = len(found.drift)
    shown = np.linspace(0, count - 1, min(count, DRIFT_ROWS)).round().astype(int)
    rows = [
        (
            str(point.frame),
            f"{point.source_norm:.3f}",
            f"{point.norm:.3f}",
            f"{point.sqnr_db:.1f}",
        )
        for point in (found.drift[index] for index in shown)
    ]
    columns = ("frame", "norm in float", "norm quantized", "SQNR, dB")
    return Table(f"Carried state of {name}", columns, rows)


def _gates(name: str, found: Quantization) -> Table:
    rows = [
        (one.layer, f"{one.alpha_near_1:.4f}", f"{one.beta_near_0:.4f}", f"{one.beta_near_1:.4f}")
        for one in found.gates
    ]
    columns = ("scan", "keeps all", "writes nothing", "overwrites")
    title = f"Saturated gates during calibration of {name}, share of tokens (float model)"
    return Table(title, columns, rows)


def _inputs(name: str, found: Quantization) -> Table:
    widest = sorted(found.inputs, key=lambda one: -one.outlier_ratio)[:INPUT_ROWS]
    rows = [
        (one.layer, *(f"{x:.3g}" for x in (one.least, one.most, one.rms)),
         f"{one.outlier_ratio:.1f}")
        for one in widest
    ]  # fmt: skip
    columns = ("layer", "least", "most", "RMS", "most over the 99.9th percentile")
    title = f"Inputs of layers during calibration of {name}, the widest first (float model)"
    return Table(title, columns, rows)


def _growth(name: str, found: Quantization) -> Table:
    rows = [
        (str(one.frame), str(one.samples), *(f"{fmean(part):.2f}" for part in _halves(one.norms)))
        for one in found.growth
    ]
    columns = ("frame of its run", "samples", "depth blocks", "bokeh blocks")
    title = f"Carried state during calibration of {name}, mean norm of a block's (float model)"
    return Table(title, columns, rows)


def _halves(norms: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    middle = len(norms) // 2
    return norms[:middle], norms[middle:]
