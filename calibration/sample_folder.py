"""Calibration material of the user's: a folder of photos, clips and videos, or one video.

Every file is read once before any is used, so that a damaged one is told at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bokehflow.calibration.data.clip_file import CLIP_SUFFIX, read_clip
from bokehflow.calibration.sample_sources import ClipFile, Item, VideoFile, photo_file
from bokehflow.errors import InputError
from bokehflow.media import READABLE_SUFFIXES, VIDEO_SUFFIXES, open_video, read_photo
from bokehflow.media.listing import files_ending_in

SAMPLES_PREFIX = "calibration-"
"""Of files of kept samples, which have the suffix of clips."""
NAMED_IN_MESSAGE = 5


@dataclass(frozen=True, slots=True)
class FoundMaterial:
    """What can be used, in the order of paths, and what cannot, each with its reason."""

    items: tuple[Item, ...]
    unusable: tuple[str, ...] = ()


def find_material(path: Path, *, skip_bad: bool = False) -> FoundMaterial:
    """The photos, clips and videos under a folder, or the one video, photo or clip at `path`.

    skip_bad: leave out what cannot be read, and of a video what follows a damaged frame.
    Raises InputError for a path that does not exist, a folder without any such file, and unless
    `skip_bad` for files that cannot be read, which it lists.
    """
    if not path.exists():
        raise InputError(f"no calibration material at {path}", "a folder or a video")
    kinds = ", ".join((*READABLE_SUFFIXES, *VIDEO_SUFFIXES, CLIP_SUFFIX))
    files = material_files(path)
    if not files:
        raise InputError(f"no photo, video or clip in {path}", f"files ending in {kinds}")
    items: list[Item] = []
    unusable: list[str] = []
    for file in files:
        item, problem = _examined(file)
        if problem:
            unusable.append(problem)
        if item is not None:
            items.append(item)
    if unusable and not skip_bad:
        named = " | ".join(unusable[:NAMED_IN_MESSAGE])
        more = len(unusable) - NAMED_IN_MESSAGE
        raise InputError(
            f"{len(unusable)} of {len(files)} files cannot be used: {named}"
            + (f" | and {more} more" if more > 0 else ""),
            remedy="mend or remove them, or leave them out with --skip-bad",
        )
    if not items:
        raise InputError(f"nothing in {path} can be read: {unusable[0]}")
    return FoundMaterial(tuple(items), tuple(unusable))


def material_files(path: Path) -> list[Path]:
    """The photos, videos and clips of a folder, or the one file that was named; kept samples, which
    may lie there as well, are none."""
    if path.is_file():
        return [path]
    suffixes = {*READABLE_SUFFIXES, *VIDEO_SUFFIXES, CLIP_SUFFIX}
    found = files_ending_in(suffixes, path, within=True)
    return [file for file in found if not _is_kept_samples(file)]


def _is_kept_samples(file: Path) -> bool:
    return file.name.startswith(SAMPLES_PREFIX) and file.suffix.lower() == CLIP_SUFFIX


def _examined(file: Path) -> tuple[Item | None, str]:
    """What a file gives, and what is wrong with it."""
    suffix = file.suffix.lower()
    try:
        if suffix == CLIP_SUFFIX:
            return ClipFile(file, read_clip(file).frame_count), ""
        if suffix in READABLE_SUFFIXES:
            read_photo(file)
            return photo_file(file), ""
    except InputError as error:
        return None, str(error)
    return _examined_video(file)


def _examined_video(file: Path) -> tuple[Item | None, str]:
    """A video up to its first frame that cannot be read."""
    readable = 0
    try:
        with open_video(file) as video:
            for _ in video.frames:
                readable += 1
    except InputError as error:
        problem = f"{error} (after {readable} good frames)"
        return (VideoFile(file, readable) if readable else None), problem
    return VideoFile(file, readable), ""
