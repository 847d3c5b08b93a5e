"""The report as one page that needs nothing else: style, script, charts and pictures inside."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import matplotlib
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.colors import to_hex

from bokehflow.benchmarks.report.charts import frame_charts, pareto_charts, recorded_charts
from bokehflow.benchmarks.report.document import Report
from bokehflow.benchmarks.report.facts import report_facts
from bokehflow.benchmarks.report.pictures import HEAT_MAP, Scene
from bokehflow.benchmarks.report.recorded_tables import recorded_tables
from bokehflow.benchmarks.report.tables import (
    all_tables,
    frame_table,
    summary_table,
)
from bokehflow.benchmarks.tables import Table

FOLDER = Path(__file__).parent
TEMPLATE, TABLE, STYLE, SCRIPT = "report.html.j2", "table.html.j2", "report.css", "report.js"
SCALE_STOPS = 8


def render_page(report: Report, scenes: Sequence[Scene]) -> str:
    """The page as HTML. The same report and pictures give the same text."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    table = environment.get_template(TABLE)
    quantized = [row for row in report.rows if row.quantization is not None]
    text: str = environment.get_template(TEMPLATE).render(
        report=report,
        summary=summary_table(report),
        tables=_shown_below(report),
        frame_table=frame_table(report),
        recorded=recorded_tables,
        pareto=pareto_charts(report),
        frames=frame_charts(report),
        quantized=[(row, recorded_charts(row)) for row in quantized],
        scenes=scenes,
        facts=report_facts(report),
        pictures=_embedded([_plain(scene) for scene in scenes]),
        style=Markup(environment.get_template(STYLE).render(heat_colours=_heat_colours())),
        script=(FOLDER / SCRIPT).read_text(encoding="utf-8"),
        table=lambda one: Markup(table.render(table=one)),
    )
    return text


def _shown_below(report: Report) -> list[Table]:
    """All tables but the summary and those that stand beside their charts."""
    apart = {table.title for row in report.rows for table in recorded_tables(row)}
    return [table for table in all_tables(report)[1:] if table.title not in apart]


def _plain(scene: Scene) -> dict[str, object]:
    return {
        "caption": scene.caption,
        "against": scene.against,
        "heat_levels": scene.heat_levels,
        "items": [dataclasses.asdict(item) for item in scene.items],
    }


def _embedded(value: object) -> str:
    """JSON inside a script element, which ends at the first "</" whatever it stands in."""
    return json.dumps(value).replace("</", "<\\/").replace("<!--", "<\\u0021--")


def _heat_colours() -> list[str]:
    colours = matplotlib.colormaps[HEAT_MAP]
    return [to_hex(colours(stop / (SCALE_STOPS - 1))) for stop in range(SCALE_STOPS)]
