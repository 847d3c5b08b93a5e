"""Videos out: H.264 with the frames' own times, the source's audio copied, whole or not at all.

H.264 in 4:2:0 has even sides only. A frame with an odd side gets its last row or column once more,
so the file is one pixel larger there; nothing is cut off or resampled. Matroska counts time in
milliseconds and starts at 0, so times may move together by the sound's lead-in there.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.reformatter import ColorRange
from torch import Tensor

from bokehflow.atomic import atomic_file, remedy_for
from bokehflow.errors import MediaError, OutputError, SizeError
from bokehflow.media.audio_copy import AudioCopy, require_copyable_audio
from bokehflow.media.chroma import ChromaSubsampling
from bokehflow.media.levels import to_uint8
from bokehflow.media.video_colours import HD_LINES
from bokehflow.media.video_info import VideoInfo

VIDEO_FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""The containers that can be written, by suffix."""
MAX_VIDEO_SIDE_PX = 16_384
"""The longest side that x264 encodes."""
CRF = 18
"""x264's constant rate factor: visually lossless by its authors' description."""
_ENCODING = {"crf": str(CRF), "bf": "0"}
"""Frames are decoded in the order in which they are shown: where another one was decoded last, an
MP4 file would not tell how long the last one shown stays."""
# Number in ITU-T H.273, which the file carries, and FFmpeg's name of the matrix.
_BT709, _BT601 = (1, "bt709"), (6, "smpte170m")


def require_video_suffix(path: Path) -> None:
    """Raise OutputError unless `path` names a container that can be written."""
    if path.suffix.lower() not in VIDEO_FORMATS:
        raise OutputError(
            f"{path} has the suffix {path.suffix!r}", "one of " + ", ".join(VIDEO_FORMATS)
        )


@contextlib.contextmanager
def open_video_writer(target: Path, source: VideoInfo) -> Iterator[VideoWriter]:
    """Open a video for writing with the size, times and audio of `source`.

    The file appears when the block succeeds. Raises OutputError for another suffix, frames larger
    than MAX_VIDEO_SIDE_PX or a place that cannot be written, MediaError where the container cannot
    hold the source's audio; here or on the way, MediaError where that cannot be read.
    """
    require_video_suffix(target)
    if max(source.height, source.width) > MAX_VIDEO_SIDE_PX:
        raise OutputError(
            f"{target} would be of {source.height}x{source.width} pixels",
            f"at most {MAX_VIDEO_SIDE_PX} a side, as x264 encodes them",
            "scale the video down first",
        )
    require_copyable_audio(source.path, target.suffix.lower(), VIDEO_FORMATS)
    with atomic_file(target) as hidden, VideoWriter(hidden, target, source) as writer:
        yield writer


class VideoWriter:
    """Encodes frames as they come; audio packets follow the frames' times. Use as a context."""

    def __init__(self, hidden: Path, target: Path, source: VideoInfo) -> None:
        self._target, self._source = target, source
        self._height, self._width = source.height, source.width
        self._format = VIDEO_FORMATS[target.suffix.lower()]
        self._last_ms: int | None = None
        self._durations: dict[int | None, int] = {}
        self._is_finished = False
        self._matrix = _BT709 if source.height >= HD_LINES else _BT601
        self._stack = contextlib.ExitStack()
        try:
            with self._output_errors():
                self._output = self._open(hidden)
                self._video = self._add_video()
                self._subsampled = ChromaSubsampling(
                    self._video.height, self._video.width, self._matrix[1]
                )
                sound = AudioCopy(source.path, self._output, source.starts_at_s)
                self._audio = self._stack.enter_context(sound)
                self._output.start_encoding()
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error_type is None:
                self.finish()
        finally:
            # Where the file is given up, that its trailer cannot be written either is no news.
            with contextlib.suppress(av.FFmpegError, OSError):
                self._stack.close()

    def finish(self) -> None:
        """Write what is still to come of frames and sound, and close the file.

        For who wants to know that it is whole before the block is left, which does so otherwise.
        Raises what `write` raises.
        """
        if self._is_finished:
            return
        with self._output_errors():
            self._mux(self._video.encode(None))
            self._audio.copy_until(None)
            self._stack.close()
        self._is_finished = True

    def write(self, image: Tensor, pts: int, duration: int) -> None:
        """Encode one frame [1, 3, H, W], sRGB, at `pts` ticks of the source's time base.

        Raises SizeError for a frame of another size, OutputError where writing fails, MediaError
        where the source's audio cannot be read or the container cannot tell two times apart.
        """
        if tuple(image.shape) != (1, 3, self._height, self._width):
            raise SizeError(
                f"a frame of shape {list(image.shape)}", f"[1, 3, {self._height}, {self._width}]"
            )
        time_s = pts * self._source.time_base
        self._require_time_of_its_own(time_s)
        pixels = np.pad(
            to_uint8(image), ((0, self._height % 2), (0, self._width % 2), (0, 0)), mode="edge"
        )
        frame = self._subsampled(pixels)
        frame.colorspace, frame.color_range = self._matrix[0], ColorRange.MPEG
        frame.pts, frame.time_base, frame.duration = pts, self._source.time_base, duration
        self._durations[pts] = duration
        with self._output_errors():
            self._audio.copy_until(time_s)
            self._mux(self._video.encode(frame))

    def _mux(self, packets: list[Packet[av.VideoStream]]) -> None:
        """Write encoded frames, and how long each stays, which the encoder does not pass on: of the
        last one nothing else tells it."""
        for packet in packets:
            packet.duration = self._durations.pop(packet.pts, 0) or packet.duration
            self._output.mux(packet)

    def _require_time_of_its_own(self, time_s: Fraction) -> None:
        """Raise MediaError where Matroska would give a frame the time of the one before."""
        if self._format != "matroska":
            return
        time_ms = math.floor(time_s * 1000 + Fraction(1, 2))
        if time_ms == self._last_ms:
            raise MediaError(
                f"{self._source.path} has two frames within the millisecond at {float(time_s):.3f} "
                f"s, and a {self._target.suffix} file counts in those",
                remedy="write a .mp4 file with -o",
            )
        self._last_ms = time_ms

    def _open(self, hidden: Path) -> OutputContainer:
        # The index goes first, so that players can start before the whole file has arrived.
        options = {} if self._format == "matroska" else {"movflags": "+faststart"}
        return self._stack.enter_context(
            av.open(str(hidden), "w", format=self._format, options=options)
        )

    def _add_video(self) -> av.VideoStream:
        source = self._source
        stream = self._output.add_stream("libx264", rate=source.average_rate, options=_ENCODING)
        stream.width = self._width + self._width % 2
        stream.height = self._height + self._height % 2
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = source.time_base
        context.sample_aspect_ratio = Fraction(1)
        context.colorspace, context.color_range = self._matrix[0], ColorRange.MPEG
        context.color_primaries = context.color_trc = _BT709[0]
        return stream

    @contextlib.contextmanager
    def _output_errors(self) -> Iterator[None]:
        try:
            yield
        except (av.ArgumentError, av.InvalidDataError) as error:
            # A container or an encoder refuses what it is given; that is no matter of the place.
            raise MediaError(
                f"a {self._target.suffix} file does not take what {self._source.path} holds: "
                f"{error.strerror}",
                remedy="write another format with -o, or remux the video first",
            ) from error
        except av.FFmpegError as error:
            raise OutputError(
                f"{self._target} cannot be written: {error.strerror}",
                remedy=remedy_for(error.errno),
            ) from error
