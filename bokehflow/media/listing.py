"""The files of a folder, as every reader of folders lists them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path


def files_ending_in(suffixes: Collection[str], folder: Path, *, within: bool = False) -> list[Path]:
    """Files with one of these suffixes, in lower case, in the order of their paths.

    within: those of the folders in it too, linked ones included, each folder once. Hidden files
    and folders are left out: macOS puts a `._NAME` beside every file that it writes to another
    system's disk. So are folders that may not be read.
    """
    places = _folders(folder) if within else [folder]
    return sorted(
        path
        for place in places
        for path in _visible(place)
        if path.suffix.lower() in suffixes and path.is_file()
    )


def _folders(folder: Path) -> Iterator[Path]:
    """A folder and all in it; links last, so that what lies here keeps its own name."""
    here, linked, seen = deque([folder]), deque[Path](), set[str]()
    while here or linked:
        place = (here or linked).popleft()
        real = os.path.realpath(place)
        if real in seen:  # links may lead in a circle
            continue
        seen.add(real)
        yield place
        for path in _visible(place):
            if path.is_dir():
                (linked if path.is_symlink() else here).append(path)


def _visible(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except PermissionError:
        return []
