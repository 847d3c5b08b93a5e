"""Whole films as the reader gives them."""

from __future__ import annotations

from pathlib import Path

from bokehflow.media.levels import to_uint8
from bokehflow.media.video_info import VideoInfo
from bokehflow.media.video_reader import Frame, open_video
from tests.media.samples import Pixels


def read_all(path: Path) -> tuple[VideoInfo, list[Frame]]:
    """What the film says of itself, and all its frames."""
    with open_video(path) as video:
        return video.info, list(video.frames)


def levels_of(frame: Frame) -> Pixels:
    """uint8 [H, W, 3]."""
    return to_uint8(frame.image)
