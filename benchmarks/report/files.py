"""The three files of a report: the page, and the same facts as JSON and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bokehflow.atomic import atomic_file, make_folder, require_writable
from bokehflow.benchmarks.report.document import SCHEMA, Report
from bokehflow.benchmarks.report.facts import fact_tables
from bokehflow.benchmarks.report.page import render_page
from bokehflow.benchmarks.report.pictures import Scene
from bokehflow.benchmarks.report.tables import all_tables, frame_table
from bokehflow.benchmarks.results_file import write_json
from bokehflow.benchmarks.tables import markdown
from bokehflow.errors import UsageError

SUFFIX = ".html"
TITLE = "accuracy versus quantization"
"""On the page and in the Markdown."""


def require_report_files(page: Path) -> None:
    """Make the folder and check that all three can be written, before any work.

    Raises UsageError for a page of another suffix and where a file of that name is no report, such
    as an artifact's manifest; OutputError.
    """
    if page.suffix.lower() != SUFFIX:
        raise UsageError(f"a report called {page.name}", f"a name that ends in {SUFFIX}")
    make_folder(page.parent)
    for path in report_files(page):
        require_writable(path)
        if path.exists() and not _is_report(path):
            raise UsageError(
                f"{path}, which a report called {page.name} would write over",
                "a name that no other file has",
                "choose another with -o",
            )


def _is_report(path: Path) -> bool:
    """Whether a file says that an earlier report wrote it."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".json":
        return f'"schema": "{SCHEMA}"' in text
    return TITLE in text


def report_files(page: Path) -> tuple[Path, Path, Path]:
    """The page, its JSON and its Markdown: one name, three suffixes."""
    return page, page.with_suffix(".json"), page.with_suffix(".md")


def write_report(page: Path, report: Report, scenes: Sequence[Scene]) -> tuple[Path, Path, Path]:
    """Write all three. Raises OutputError."""
    files = report_files(page)
    texts = {files[0]: render_page(report, scenes), files[2]: report_markdown(report)}
    write_json(files[1], report.document())
    for path, text in texts.items():
        with atomic_file(path) as hidden:
            # The name of a photo may hold bytes that are no text.
            hidden.write_text(text, encoding="utf-8", errors="backslashreplace")
    return files


def report_markdown(report: Report) -> str:
    """The report's tables under a few lines of what they are about."""
    trained = (
        "" if report.trained else "\n\nUntrained weights: the network has learned nothing yet."
    )
    head = (
        f"# BokehFlow {report.variant}: {TITLE}\n\n"
        f"Frames of {report.frame_size}, measured on {report.date}. Reference: {report.reference}. "
        f"Weights {report.weights_sha256}.{trained}\n\n"
        "Measured: the engine itself ran. Estimated: another program computed what the engine "
        "would. Not run: nothing was computed, for the reason given.\n\n"
        f"Clips with truth: {report.clips.origin}.\n\n"
    )
    head += "".join(f"{line}\n\n" for line in report.slow_parts)
    return head + markdown([*all_tables(report), frame_table(report), *fact_tables(report)])
