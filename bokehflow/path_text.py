"""Paths that are no text: a file system takes any bytes, and many a library takes text alone."""

from __future__ import annotations

from pathlib import Path

from bokehflow.errors import InputError


def is_text(path: Path) -> bool:
    """Whether a path can be written as UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def require_text(path: Path, error: type[InputError]) -> None:
    """Raise an error of that kind for a path that is no text, before a library blames the file."""
    if not is_text(path):
        raise error(f"{path} has a name that is no text", "UTF-8", "rename it or its folder")
