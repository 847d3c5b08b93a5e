"""The files of one `bfx render`: what is a video, and which outputs are refused at once."""

from __future__ import annotations

from pathlib import Path

from bokehflow.errors import UsageError
from bokehflow.media.atomic import require_writable
from bokehflow.media.depth_file import require_depth_suffix
from bokehflow.media.photo import PHOTO_SUFFIXES, require_photo_suffix
from bokehflow.media.video_writer import VIDEO_FORMATS, require_video_suffix

VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mpg", ".mpeg", ".3gp", ".wmv",
)  # fmt: skip
"""Inputs with these suffixes are videos; everything else is taken for a photo."""


def is_video(path: Path) -> bool:
    """Whether the suffix says video."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def default_output(source: Path) -> Path:
    """`<stem>_bokeh` beside the source, in its own format where that can be written."""
    writable: tuple[str, ...] = tuple(VIDEO_FORMATS) if is_video(source) else PHOTO_SUFFIXES
    fallback = ".mp4" if is_video(source) else ".png"
    suffix = source.suffix if source.suffix.lower() in writable else fallback
    return source.with_name(f"{source.stem}_bokeh{suffix}")


def require_outputs(
    source: Path,
    depth: Path | None,
    output: Path,
    depth_out: Path | None,
    side_by_side: Path | None,
) -> None:
    """Check every output before any work.

    Raises UsageError where two paths are the same file, OutputError for a suffix or place that
    cannot be written.
    """
    if is_video(source):
        require_video_suffix(output)
        if side_by_side is not None:
            raise UsageError("--side-by-side with a video", "a photo")
    else:
        require_photo_suffix(output)
        for path, require_suffix in (
            (depth_out, require_depth_suffix),
            (side_by_side, require_photo_suffix),
        ):
            if path is not None:
                require_suffix(path)
    taken = {source.resolve(), *([depth.resolve()] if depth is not None else [])}
    for path in (output, depth_out, side_by_side):
        if path is None:
            continue
        if path.resolve() in taken:
            raise UsageError(
                f"{path} is both an input and an output, or two outputs at once",
                "a path of its own for every output",
            )
        taken.add(path.resolve())
        if path is depth_out and is_video(source):
            require_new_folder(path)
        else:
            require_writable(path)


def require_new_folder(path: Path) -> None:
    """Raise UsageError where the folder exists, OutputError where it could not be made."""
    if path.exists():
        raise UsageError(
            f"--depth-out {path} exists", "for a video, a folder that is still to be made"
        )
    require_writable(path)
