"""What the measuring commands share: their tables as text, and the result files they write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bokehflow.cli.output import json_text, text_table

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
    from bokehflow.media.atomic import output_errors, require_writable

    with output_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    require_writable(folder / file_name)


def write_results(
    folder: Path, name: str, document: Mapping[str, object], tables: Sequence[Table]
) -> None:
    """Write `<name>.json` and the tables as `<name>.md`. Raises OutputError."""
    from bokehflow.benchmarks.tables import markdown
    from bokehflow.media.atomic import atomic_file

    texts = {f"{name}.json": json_text(document) + "\n", f"{name}.md": markdown(tables)}
    for file_name, text in texts.items():
        with atomic_file(folder / file_name) as hidden:
            hidden.write_text(text, encoding="utf-8")
