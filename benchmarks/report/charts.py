"""Charts as SVG text that goes into the page: its colours follow the page's theme.

The same figures give the same text. Every chart has a table beside it that says the same.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bokehflow.benchmarks.report.cells import MOST_DB
from bokehflow.benchmarks.report.document import Report, RowReport
from bokehflow.benchmarks.report.recorded import Quantization

INK, GRID = "#010203", "#040506"
"""Stand for the theme's colours until the text is finished."""
SERIES = ("#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05", "#0a0b06", "#0a0b07", "#0a0b08")
MARKERS = "osD^vP*X"
WIDTH_IN, HEIGHT_IN = 4.6, 3.0
"""As wide as a phone, so that text keeps its size there."""
BARS_SHOWN = 20
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "xtick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.color": GRID,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}


def pareto_charts(report: Report) -> list[str]:
    """Quality against time and against size; only what was run can be a point."""
    near = [
        (row, min(row.film.worst_bokeh_db, MOST_DB))
        for row in report.rows
        if row.film and not row.is_reference
    ]
    true = [
        (row, row.truth.bokeh.overall_psnr_db)
        for row in report.rows
        if row.truth and row.truth.bokeh
    ]
    charts = []
    for found, quality in (
        (near, "bokeh against the reference, dB"),
        (true, "bokeh against truth, dB"),
    ):
        timed = [(row, row.latency.p50_ms, y) for row, y in found if row.latency.p50_ms is not None]
        sized = [(row, row.artifact.bytes / 1e6, y) for row, y in found if row.artifact.bytes]
        charts += [
            _pareto(points, cost, quality)
            for points, cost in ((timed, "median time of a frame, ms"), (sized, "size on disk, MB"))
            if points
        ]
    return charts


def frame_charts(report: Report) -> list[str]:
    """Error of bokeh and of the carried state, frame by frame."""
    shown = [row for row in report.rows if row.film and not row.is_reference]
    if not shown:
        return []
    bokeh = [(row, row.film.bokeh_psnr_db) for row in shown if row.film]
    state = [(row, row.film.state_sqnr_db) for row in shown if row.film]
    return [
        _lines(bokeh, "bokeh PSNR against the reference, dB"),
        _lines(state, "carried state, signal to error, dB"),
    ]


def recorded_charts(row: RowReport) -> list[str]:
    """What a recipe recorded: noisy layers, error along the scans, drift of the state."""
    found = row.quantization
    if found is None:
        return []
    charts = [_layers(row, found)] if found.layers else []
    if found.scans:
        charts.append(_positions(row, found))
    if found.drift:
        charts.append(_drift(row, found))
    return charts


def _layers(row: RowReport, found: Quantization) -> str:
    layers = found.layers[:BARS_SHOWN][::-1]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH_IN, 0.8 + 0.19 * len(layers)), layout="constrained")
        axes = figure.add_subplot()
        colours = [SERIES[2] if one.kept_float else SERIES[1] for one in layers]
        axes.barh([one.layer for one in layers], [one.sqnr_db for one in layers], color=colours)
        axes.tick_params(axis="y", labelsize=7)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("signal to quantization error, dB; orange was left in float")
        return _text(figure, f"The noisiest layers of {row.short_name}")


def _positions(row: RowReport, found: Quantization) -> str:
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes()
        for number, scan in enumerate(found.scans):
            tenths = range(1, len(scan.by_position) + 1)
            axes.plot(tenths, scan.by_position, color=SERIES[number % len(SERIES)], linewidth=1.0)
        axes.set_xlabel("tenth of the way along the scan, a line a block")
        axes.set_title("output of the scans, signal to error, dB")
        return _text(figure, f"Error along the scans of {row.short_name}")


def _drift(row: RowReport, found: Quantization) -> str:
    frames = [point.frame for point in found.drift]
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes()
        axes.plot(frames, [p.source_norm for p in found.drift], color=SERIES[0], label="float")
        axes.plot(frames, [p.norm for p in found.drift], color=SERIES[1], label=row.short_name)
        axes.set_xlabel("frame")
        axes.set_title("norm of the carried state")
        axes.legend(fontsize=7.5)
        return _text(figure, f"Drift of the state of {row.short_name}")


def _pareto(points: Sequence[tuple[RowReport, float, float]], cost: str, quality: str) -> str:
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes()
        for row, x, y in points:
            axes.plot(x, y, _marker(row), color=_colour(row), markersize=8)
            axes.annotate(f" #{row.number}", (x, y), xytext=(5, 4), textcoords="offset points")
        axes.set_xlabel(cost)
        axes.set_title(quality)
        axes.margins(0.15)
        axes.set_xlim(left=0)
        return _text(figure, f"{quality}; {cost}")


def _lines(series: Sequence[tuple[RowReport, Sequence[float]]], label: str) -> str:
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes()
        for row, values in series:
            axes.plot(
                range(1, len(values) + 1),
                [min(value, MOST_DB) for value in values],
                color=_colour(row),
                marker=_marker(row),
                markersize=3,
                linewidth=1.2,
                label=row.short_name,
            )
        axes.set_xlabel("frame")
        axes.set_title(label)
        axes.legend(fontsize=7.5, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
        return _text(figure, label)


def _axes() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    return figure, figure.add_subplot()


def _colour(row: RowReport) -> str:
    return SERIES[(row.number - 1) % len(SERIES)]


def _marker(row: RowReport) -> str:
    return MARKERS[(row.number - 1) % len(MARKERS)]


def _text(figure: Figure, title: str) -> str:
    """The chart as an `svg` element that scales, named for who does not see it."""
    target = io.StringIO()
    # Names inside one chart come from the salt; two charts of a page shall not share them.
    matplotlib.rcParams["svg.hashsalt"] = title
    figure.savefig(target, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = target.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 role="img"', text, count=1)
    text = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", text)
    text = text.replace(">", f"><title>{html.escape(title)}</title>", 1)
    for number, colour in enumerate(SERIES, start=1):
        text = text.replace(colour, f"var(--series-{number})")
    return text.replace(INK, "currentColor").replace(GRID, "var(--grid)")
