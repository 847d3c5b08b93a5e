"""What a film tells of itself before its frames are read."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.frame import VideoFrame as CodedFrame
from av.video.stream import VideoStream

from bokehflow.errors import MediaError
from bokehflow.media.containers import copyable_sound, is_broadcast, media_errors, open_film
from bokehflow.media.tone_map import Transfer
from bokehflow.media.video_colours import high_dynamic_range
from bokehflow.media.video_orientation import orientation_of

_LONGEST_DELAY_S = 1
"""Of a film that is no broadcast: one that begins later was timed by a clock that ran before."""

_MILLISECOND_S = Fraction(1, 1000)
"""A tick of Matroska and WebM: with a frame in each of them, FFmpeg found no rate in a few."""


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What is known of a video before its frames are read.

    width, height: pixels of the upright frame, which are square. time_base: seconds a tick of
    `Frame.pts`. average_rate: frames a second. frame_count: None where the file does not tell; a
    guess good enough for a progress bar. starts_at_s: what the clock of a broadcast or of a live
    recording showed when it began, less which frames are timed; 0 where times count from the
    beginning already. high_dynamic_range: the curve of frames that are tone-mapped; None where none
    is. audio_streams: those that can be copied; unknown_audio_streams: those of a codec that FFmpeg
    does not know, as Apple's spatial sound beside its stereo, or that are announced and silent.
    """

    path: Path
    width: int
    height: int
    time_base: Fraction
    average_rate: Fraction
    frame_count: int | None
    starts_at_s: Fraction
    high_dynamic_range: Transfer | None
    audio_streams: int
    unknown_audio_streams: int


def described(
    path: Path, container: InputContainer, stream: VideoStream, first: CodedFrame
) -> VideoInfo:
    """What an open film and its first frame tell. Raises MediaError where frames have no times."""
    width, height = square_width(first, stream), first.height
    if orientation_of(first, path).is_sideways:
        width, height = height, width
    rate = stream.average_rate or stream.guessed_rate
    if not rate or first.time_base is None:
        raise MediaError(f"{path} gives its frames no times", "a frame rate")
    starts_at_s = _start_s(container)
    length_s = _length_s(container, starts_at_s)
    if first.time_base * rate == 1 and first.time_base == _MILLISECOND_S and length_s:
        rate = _frames_in(path) / length_s
    copyable = len(copyable_sound(container))
    return VideoInfo(
        path=path,
        width=width,
        height=height,
        time_base=first.time_base,
        average_rate=rate,
        frame_count=stream.frames or round(length_s * rate) or None,
        starts_at_s=starts_at_s,
        high_dynamic_range=high_dynamic_range(stream),
        audio_streams=copyable,
        unknown_audio_streams=len(container.streams.audio) - copyable,
    )


def _start_s(container: InputContainer) -> Fraction:
    start_s = Fraction(container.start_time or 0, av.time_base)
    is_clock = is_broadcast(container) or start_s > _LONGEST_DELAY_S
    return start_s if is_clock else Fraction(0)


def _length_s(container: InputContainer, starts_at_s: Fraction) -> Fraction:
    """0 where it is not told. Of a live recording a header tells when it ends."""
    told_s = Fraction(container.duration or 0, av.time_base)
    is_end = not is_broadcast(container) and told_s > starts_at_s
    return told_s - starts_at_s if is_end else told_s


def _frames_in(path: Path) -> int:
    with media_errors(path), open_film(path) as container:
        return sum(packet.size > 0 for packet in container.demux(container.streams.best("video")))


def square_width(frame: CodedFrame, stream: VideoStream) -> int:
    """The width of a frame as it lies in the file, at its height, with square pixels: as it is
    shown, and as a lens blurs it. Even where it is not the file's own, which it is where they are
    square but for a rounding: less than a pixel is not worth one of sharpness."""
    shown = frame.width * (stream.sample_aspect_ratio or Fraction(1))
    return frame.width if abs(shown - frame.width) < 1 else max(2, 2 * round(shown / 2))
