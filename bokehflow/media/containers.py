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


def open_film(path: Path) -> InputContainer:
    """Open a film for reading. Raises MediaError where FFmpeg cannot."""
    with media_errors(path):
        return av.open(_file_url(path))


def has_decoder(stream: Stream) -> bool:
    """Whether FFmpeg knows a stream's codec; what it does not can be neither shown nor copied."""
    # PyAV declares that there always is a context.
    return cast(object, stream.codec_context) is not None


def copyable_sound(container: InputContainer) -> tuple[AudioStream, ...]:
    """The sound streams that an output can be told of: those of a codec that FFmpeg knows."""
    return tuple(filter(has_decoder, container.streams.audio))


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
