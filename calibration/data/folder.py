"""The clips that lie under a folder, for training and evaluation alike.

The folder is walked and every clip asked what it is, so folders of several `bfx data make` may lie
beside each other in it, and clips can be used while more are being made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bokehflow.calibration.data.clip import TRUTHS
from bokehflow.calibration.data.clip_file import CLIP_SUFFIX, examine, read_info
from bokehflow.calibration.data.split import require_split
from bokehflow.errors import InputError
from bokehflow.media.listing import files_ending_in
from bokehflow.specs import Size

NAMED_IN_MESSAGE = 3


@dataclass(frozen=True, slots=True)
class FoundClip:
    """One clip file: its source, how many frames of which height and width, whether its picture
    tells its depth, and which truths it holds."""

    path: Path
    source: str
    frames: int
    size: Size
    depth_cues: bool
    known: tuple[str, ...] = TRUTHS


@dataclass(frozen=True, slots=True)
class FoundClips:
    """The clips of one split under a folder, in the order of their paths.

    unreadable: files that were left out, and why.
    """

    folder: Path
    split: str
    entries: tuple[FoundClip, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """Which clips these are, as SHA-256: their paths under the folder, lengths and sizes, and
        what decides which stages draw from them.

        Their values have no part in it: a clip keeps its path, and reading all takes minutes.
        """
        told = (
            f"{entry.path.relative_to(self.folder).as_posix()} {entry.frames} {entry.size} "
            f"{entry.depth_cues} {' '.join(entry.known)}\n"
            for entry in self.entries
        )
        return hashlib.sha256("".join(told).encode("utf-8", "surrogateescape")).hexdigest()


def find_clips(
    folder: Path, split: str, *, skip_bad: bool = False, known: Sequence[str] = TRUTHS
) -> FoundClips:
    """Every clip of a split under a folder that holds at least the truths `known`.

    Raises UnknownNameError for a split that does not exist, InputError where the folder does not
    exist, holds no such clip, or holds files that cannot be read or are damaged anywhere, unless
    `skip_bad` leaves those out.
    """
    require_split(split)
    if not folder.is_dir():
        raise InputError(f"no data folder at {folder}", remedy="make one with `bfx data make`")
    entries, unreadable, lacking, others = [], [], set[str](), 0
    # A hidden one is still being written.
    for path in files_ending_in((CLIP_SUFFIX,), folder, within=True):
        try:
            info = read_info(path)
            if info.split != split:
                others += 1
                continue
            if lacks := set(known) - set(info.known):
                lacking |= lacks
                continue
            frames, size = examine(path)
            entries.append(FoundClip(path, info.source, frames, size, info.depth_cues, info.known))
        except InputError as error:
            unreadable.append(str(error))
    if unreadable and not skip_bad:
        raise InputError(
            f"{len(unreadable)} clips under {folder} cannot be read: "
            + " | ".join(unreadable[:NAMED_IN_MESSAGE]),
            remedy="make them again, or leave them out with --skip-bad",
        )
    if not entries and lacking:
        raise InputError(
            f"no {split} clip under {folder} holds {', '.join(known)}: "
            f"they lack {', '.join(sorted(lacking))}",
            remedy="make some with `bfx data make`, with its lens views",
        )
    if not entries:
        found = f", among {others} of other splits" if others else ""
        raise InputError(
            f"no {split} clip under {folder}{found}",
            "files *.npz",
            f"make them with `bfx data make --split {split}`",
        )
    return FoundClips(folder, split, tuple(entries), tuple(unreadable))
