"""The files of a folder, as every reader of folders lists them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path


def files_ending_in(suffixes: Collection[str], folder: Path, *, within: bool = False) -> list[Path]:
    """Files with one of these suffixes, in lower case, in the order of their paths.

    within: those of the folders in it too. Hidden files and folders are left out: macOS puts a
    `._NAME` beside every file that it writes to another system's disk.
    """
    return sorted(
        path
        for path in folder.glob("**/*" if within else "*")
        if path.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
