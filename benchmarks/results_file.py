"""Result files: what was measured as JSON, and its tables as Markdown. Each appears whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bokehflow.atomic import atomic_file
from bokehflow.benchmarks.tables import Table, markdown
from bokehflow.json_text import json_text


def write_results(
    folder: Path, name: str, document: Mapping[str, object], tables: Sequence[Table]
) -> None:
    """Write `<name>.json` and the tables as `<name>.md`. Raises OutputError."""
    write_json(folder / f"{name}.json", document)
    with atomic_file(folder / f"{name}.md") as hidden:
        hidden.write_text(markdown(tables), encoding="utf-8")


def write_json(path: Path, document: Mapping[str, object]) -> None:
    """Write one document. Raises OutputError, and ValueError for NaN or infinity in it."""
    text = json_text(document) + "\n"
    with atomic_file(path) as hidden:
        hidden.write_text(text, encoding="utf-8")
