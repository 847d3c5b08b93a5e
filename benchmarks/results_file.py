"""Result files: what was measured as JSON, and its tables as Markdown. Each appears whole, and is
read as what it says it is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bokehflow.atomic import atomic_file
from bokehflow.benchmarks.tables import Table, markdown
from bokehflow.errors import InputError
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


@contextlib.contextmanager
def read_record(
    path: Path, schema: object, writer: str, key: str = "schema"
) -> Iterator[dict[str, Any]]:
    """Yield a document that `writer`, a command, wrote, to be taken apart in the context.

    key: under which it names its schema. Raises InputError for another schema, for a file that
    cannot be read, and where the context finds that something is missing or of another kind.
    """
    try:
        # Editors may begin a text with the mark of its encoding.
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
        found = document[key]
        if found != schema:
            raise InputError(f"{path} has schema {found!r}", f"{schema!r}", f"run {writer} again")
        yield document
    except InputError as error:
        if str(path) in error.found:
            raise
        raise InputError(
            f"{path} cannot be read: {error.found}", error.expected, f"run {writer} again"
        ) from error
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, LookupError) else error
        raise InputError(
            f"{path} cannot be read: {reason}", f"what {writer} wrote", f"run {writer} again"
        ) from error
