"""Videos in: every frame upright, as an sRGB tensor, with the time the file gives it.

What a decoder would hide is an error here: a file cut short, a damaged packet, a frame that was
concealed, a change of size. Interlaced fields are taken as they are; pixels that are not square
are made so.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame as CodedFrame
from av.video.stream import VideoStream
from torch import Tensor

from bokehflow.errors import MediaError
from bokehflow.media.chroma import ToldPlace
from bokehflow.media.container_size import declared_bytes
from bokehflow.media.containers import has_decoder, is_broadcast, media_errors, open_film
from bokehflow.media.cut_film import CutBeginning
from bokehflow.media.decode_times import DecodeTimes, tells_decode_times_alone
from bokehflow.media.matroska import first_damage
from bokehflow.media.video_colours import (
    frame_to_srgb,
    require_opaque,
    require_showable,
)
from bokehflow.media.video_info import VideoInfo, described, square_width
from bokehflow.media.video_orientation import orientation_of
from bokehflow.regular import require_regular

VIDEO_SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mts", ".m2ts", ".mpg", ".mpeg",
    ".vob", ".3gp", ".3g2", ".wmv", ".flv", ".ogv", ".mxf",
)  # fmt: skip
"""Files with these suffixes are videos; what else is to be rendered is taken for a photo."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: image [1, 3, H, W] sRGB 0..1; pts and duration in ticks of the time base."""

    image: Tensor
    pts: int
    duration: int


@dataclass(frozen=True, slots=True)
class Video:
    """An open video. `frames` can be walked once, or instead of them `coded`: the same frames as
    they lie in the file, for who wants to know whether they are there and no more."""

    info: VideoInfo
    frames: Iterator[Frame]
    coded: Iterator[CodedFrame]


@contextlib.contextmanager
def open_video(path: Path, *, tone_map: bool = False) -> Iterator[Video]:
    """Open a video for reading; walking `frames` reads it.

    tone_map: show high dynamic range, HLG or PQ, as sRGB (`tone_map.py`).
    Raises MediaError, here or on the way, for a file that is not a video, is cut short or damaged
    as far as its container tells or a decoder notices, is of a codec without a decoder, is
    transparent, holds HDR that is not to be tone-mapped or frames of changing size, or is to be
    shown at an odd angle. MPEG and FLV files that are cut short are what is left of them.
    """
    _require_whole(path)
    with contextlib.ExitStack() as stack:
        container = stack.enter_context(open_film(path))
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise MediaError(f"{path} holds no video", "a video stream")
        if not has_decoder(stream):
            raise MediaError(
                f"{path} holds video of a codec that FFmpeg does not know",
                "one that it decodes",
                "convert it with the program that made it, to H.264 for one",
            )
        require_showable(stream, path, tone_map)
        # Threads that each take a frame keep to themselves what is wrong with the last ones.
        stream.thread_type = "SLICE"
        stream.codec_context.options = {"err_detect": "explode"}
        coded = _decoded(container, stream, path)
        first = next(coded, None)
        if first is None:
            raise MediaError(f"{path} holds no frames", "at least one")
        info = described(path, container, stream, first)
        coded = itertools.chain([first], coded)
        yield Video(info, _upright_frames(coded, info, stream), coded)


def _require_whole(path: Path) -> None:
    require_regular(path, "a video file", MediaError)
    try:
        expected, found = declared_bytes(path), path.stat().st_size
        damage = first_damage(path) if expected is None or found >= expected else None
    except OSError as error:
        raise MediaError(f"{path} cannot be opened: {error.strerror}", "a video file") from error
    if expected is not None and found < expected:
        raise MediaError(
            f"{path} is cut short: {found} bytes", f"{expected} bytes", "copy the file again"
        )
    if damage is not None:
        raise MediaError(
            f"{path} is damaged at byte {damage}", "a whole film", "copy the file again"
        )


def _decoded(container: InputContainer, stream: VideoStream, path: Path) -> Iterator[CodedFrame]:
    """Every frame of the stream. Raises MediaError at the first one that is damaged."""
    times = DecodeTimes() if tells_decode_times_alone(container, stream) else None
    beginning = CutBeginning(stream.codec_context.name, is_broadcast(container))
    with media_errors(path):
        for packet in container.demux(stream):
            if packet.is_corrupt:
                raise MediaError(f"{path} is damaged or cut short at {packet.pts} ticks")
            frames: Iterable[CodedFrame] = _frames_of(packet, beginning)
            if times is not None:
                times.note(packet)
                frames = times.timed(frames)
            for frame in frames:
                if frame.is_corrupt:
                    raise MediaError(f"{path} has a damaged frame at {frame.time} s")
                _require_none_lost(beginning, frame, path)
                yield frame
    _require_none_lost(beginning, None, path)


def _frames_of(packet: Packet[VideoStream], beginning: CutBeginning) -> list[CodedFrame]:
    beginning.note(packet)
    try:
        return packet.decode()
    except av.FFmpegError:
        if beginning.explains(packet):
            return []
        raise


def _require_none_lost(beginning: CutBeginning, frame: CodedFrame | None, path: Path) -> None:
    if (lost := beginning.lost(frame)) is not None:
        raise MediaError(f"{path} is damaged at {lost} ticks", "a whole, undamaged video file")


def _upright_frames(
    coded: Iterator[CodedFrame], info: VideoInfo, stream: VideoStream
) -> Iterator[Frame]:
    transfer, path = info.high_dynamic_range, info.path
    told = ToldPlace(stream.codec_context.name)
    start = round(info.starts_at_s / info.time_base)
    size: tuple[int, int] | None = None
    last_pts: int | None = None
    for frame in coded:
        if size not in (None, (frame.width, frame.height)):
            raise MediaError(
                f"{path} changes its size to {frame.width}x{frame.height} at {frame.time} s",
                f"{size} throughout",
            )
        if frame.pts is None or (last_pts is not None and frame.pts <= last_pts):
            raise MediaError(
                f"{path} has a frame at {frame.pts} ticks after one at {last_pts}",
                "times that rise from frame to frame",
                "remux the video with correct timestamps",
            )
        size, last_pts = (frame.width, frame.height), frame.pts
        require_opaque(frame, path)
        orientation = orientation_of(frame, path)
        with media_errors(path):
            image = frame_to_srgb(told(frame), transfer, square_width(frame, stream))
        yield Frame(orientation.upright(image), frame.pts - start, frame.duration or 0)
