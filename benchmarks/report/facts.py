"""What a report's figures rest on, a line each: lenses, clips, recipes, versions, hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bokehflow.benchmarks.report.document import Report
from bokehflow.benchmarks.tables import Table

TITLE = "Lenses, clips, versions, hashes"

Fact = tuple[str, str]
"""What it is about, and what it says."""


def report_facts(report: Report) -> list[Fact]:
    """The facts of the whole report; those of a recipe stand with its artifact's."""
    facts = [
        (f"film: {shot.photo}", f"{shot.frames} frames, {shot.lens}, pan {shot.pan_px} px a frame")
        for shot in report.film
    ]
    facts.append(("clips with truth", f"{report.clips.origin}: {'; '.join(report.clips.clips)}"))
    facts += [("left out", reason) for reason in report.clips.left_out]
    facts.append(("canonical field of view", f"{report.canonical_fov_deg} degrees"))
    facts.append(("weights SHA-256", report.weights_sha256))
    facts += [
        (f"{row.artifact.name} SHA-256", row.artifact.sha256)
        for row in report.rows
        if row.artifact.sha256
    ]
    times = [row.latency.where for row in report.rows if row.latency.where]
    facts += [("time", where) for where in times[:1]]
    return [*facts, *_conditions(report)]


def fact_tables(report: Report) -> list[Table]:
    """The facts as tables: the report's, then each recipe's."""
    columns = ("what", "is")
    recipes = [
        Table(f"What the recipe recorded: {row.short_name}", columns, list(recorded.facts.items()))
        for row in report.rows
        if (recorded := row.quantization) is not None
    ]
    return [Table(TITLE, columns, report_facts(report)), *recipes]


def _conditions(report: Report) -> Iterator[Fact]:
    """Settings and environment."""
    facts: Mapping[str, Any] = {**report.settings, **report.environment}
    for name, value in facts.items():
        if name != "packages" and value:
            yield name.replace("_", " "), str(value)
    packages = facts.get("packages", {})
    yield (
        "versions",
        ", ".join(f"{name} {version}" for name, version in packages.items() if version),
    )
