"""The clips of a data folder, for training and evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bokehflow.calibration.data.clip import Clip
from bokehflow.calibration.data.clip_file import read_clip
from bokehflow.calibration.data.manifest import Entry, read_manifest
from bokehflow.calibration.data.request import SOURCES
from bokehflow.calibration.data.split import SPLITS
from bokehflow.errors import InputError, UnknownNameError


class ClipFolder:
    """The clips of one split and of some sources, by number, read when asked for.

    sources: all that are there when left out. Raises InputError for a folder without a manifest or
    without such clips, UnknownNameError for a split or source that does not exist.
    """

    def __init__(self, folder: Path, split: str, sources: Sequence[str] = SOURCES) -> None:
        if split not in SPLITS:
            raise UnknownNameError("split", split, SPLITS)
        for source in sources:
            if source not in SOURCES:
                raise UnknownNameError("source", source, SOURCES)
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.entries: tuple[Entry, ...] = tuple(
            entry
            for entry in self.manifest.clips
            if entry.split == split and entry.source in sources
        )
        if not self.entries:
            raise InputError(
                f"{folder} holds no {split} clips of {', '.join(sources)}",
                remedy="make more: bfx data make",
            )

    def __len__(self) -> int:
        return len(self.entries)

    def __getitem__(self, index: int) -> Clip:
        """The clip at this place. Raises InputError for a clip that is missing or damaged."""
        return read_clip(self.folder / self.entries[index].path)

    def __iter__(self) -> Iterator[Clip]:
        return (self[index] for index in range(len(self)))
