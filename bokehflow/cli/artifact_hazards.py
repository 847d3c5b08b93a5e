"""`bfx doctor --artifact`: what in an exported file an accelerator would not like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.terminal import text_table

if TYPE_CHECKING:
    from bokehflow.runtimes.hazards import Hazard
    from bokehflow.runtimes.residency import Residency

COLUMNS = ("level", "hazard", "times", "why", "first at")


def examine(path: Path) -> CommandResult:
    """Lint an artifact. Exit code 1 where a hazard of level error was found.

    Raises ArtifactError for one that its manifest, where it has one, is not of.
    """
    from bokehflow.export import load_artifact
    from bokehflow.export.artifacts.artifact import target_of
    from bokehflow.export.artifacts.naming import manifest_path
    from bokehflow.export.artifacts.packing import named_as_given
    from bokehflow.runtimes.hazards import LEVELS, lint, opened
    from bokehflow.runtimes.residency import residency

    found, packed = opened(path)
    with named_as_given(found, packed):
        if manifest_path(found).exists():
            load_artifact(found)
        hazards = lint(found)
        plan = residency(found) if target_of(found) == "coreml" else None
    counts = {level: sum(hazard.level == level for hazard in hazards) for level in LEVELS}
    document = {
        "artifact": str(path),
        "counts": counts,
        "hazards": [asdict(hazard) for hazard in hazards],
        "residency_percent": None if plan is None else asdict(plan),
        "ok": not counts["error"],
    }
    return CommandResult(document, _text(path, hazards, counts, plan), int(bool(counts["error"])))


def _text(
    path: Path, hazards: Sequence[Hazard], counts: dict[str, int], plan: Residency | None
) -> str:
    """One row for each kind of hazard and reason."""
    places = defaultdict(list)
    for hazard in hazards:
        places[hazard.level, hazard.rule, hazard.reason].append(hazard.where)
    rows = [
        (level, rule, str(len(found)), reason, found[0])
        for (level, rule, reason), found in places.items()
    ]
    summary = ", ".join(f"{count} {level}s" for level, count in counts.items())
    lines = [f"{path}: {summary}"]
    if rows:
        lines += ["", text_table(COLUMNS, rows)]
    if plan is not None:
        shares = ", ".join(f"{share:.0f}% {device}" for device, share in plan.cost.items())
        lines += ["", f"estimated cost by device: {shares}"]
    return "\n".join(lines)
