"""Opening films with FFmpeg, and what it knows of the streams in them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Stream

from bokehflow.errors import MediaError

_BROADCAST = ("mpegts", "mpeg")
"""Containers whose times are those of a clock that ran before, by FFmpeg's names."""
_LATE_SOUND = {"analyzeduration": str(60_000_000), "probesize": str(64 * 1024**2)}
"""How far FFmpeg looks for what a header only announces: microseconds, and bytes."""


def open_film(path: Path) -> InputContainer:
    """Open a film for reading. Raises MediaError where FFmpeg cannot.

    A broadcast announces sound that may begin late, or not at all: only then is the film looked
    into for longer.
    """
    with media_errors(path):
        container = av.open(_file_url(path))
        if all(map(_is_described, filter(has_decoder, container.streams.audio))):
            return container
        container.close()
        return av.open(_file_url(path), options=_LATE_SOUND)


def is_broadcast(container: InputContainer) -> bool:
    """Whether a film is of a kind that begins anywhere: its pictures and times are as they were
    sent."""
    return container.format.name in _BROADCAST


def has_decoder(stream: Stream) -> bool:
    """Whether FFmpeg knows a stream's codec; what it does not can be neither shown nor copied."""
    # PyAV declares that there always is a context.
    return cast(object, stream.codec_context) is not None


def copyable_sound(container: InputContainer) -> tuple[AudioStream, ...]:
    """The sound streams that an output can be told of: of a codec that FFmpeg knows, and not only
    announced."""
    known = filter(has_decoder, container.streams.audio)
    return tuple(filter(_is_described, known))


def _is_described(sound: AudioStream) -> bool:
    """Whether there is any sound in a stream to tell its rate, where its container does not."""
    return sound.codec_context.sample_rate > 0


@contextlib.contextmanager
def media_errors(path: Path) -> Iterator[None]:
    """Tell what PyAV raises while it reads a file as a MediaError of that file."""
    try:
        yield
    except (av.FFmpegError, ValueError, IndexError) as error:
        raise MediaError(
            f"{path} cannot be read as a video: {getattr(error, 'strerror', None) or error}",
            "a whole, undamaged video file",
        ) from error


def _file_url(path: Path) -> str:
    """What FFmpeg takes for the file itself: with a colon in a name it would look for a protocol,
    and open what that says."""
    return f"file:{path}"
