"""What the measuring commands share: their tables as text, and the folders they write to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bokehflow.cli.output_paths import outside_artifacts
from bokehflow.cli.terminal import text_table

if TYPE_CHECKING:
    from bokehflow.benchmarks.tables import Table


def tables_text(tables: Sequence[Table]) -> str:
    """Tables one below the other, for a terminal."""
    return "\n\n".join(
        f"{table.title}\n{text_table(table.columns, table.rows)}" for table in tables
    )


def require_results_folder(folder: Path, name: str) -> None:
    """Make the folder for `<name>.json` before any work. Raises OutputError."""
    require_folder(folder, f"{name}.json")


def require_folder(folder: Path, file_name: str) -> None:
    """Make a folder in which such a file can be written, before any work. Raises OutputError."""
    from bokehflow.atomic import require_writable, require_writable_folder

    outside_artifacts(folder)
    require_writable_folder(folder)
    require_writable(folder / file_name)
