"""Times of frames where a file tells only when each is decoded: codecs in AVI that look ahead.

AVI counts packets, and codecs that look ahead put a frame behind others that are shown after it.
FFmpeg tells wrong times of these: of H.264 and H.265 a frame late even where the film itself never
looks ahead, of MPEG-4 twice the same where an encoder put empty packets in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame as CodedFrame
from av.video.stream import VideoStream

_LOOK_AHEAD = ("h264", "hevc", "mpeg4")


def tells_decode_times_alone(container: InputContainer, stream: VideoStream) -> bool:
    """Whether the order of a stream's times is that of decoding."""
    return container.format.name == "avi" and stream.codec_context.name in _LOOK_AHEAD


class DecodeTimes:
    """Gives the frame that is shown as number k the time of packet number k.

    Decoders hand out frames in the order in which they are shown, one a packet.
    """

    def __init__(self) -> None:
        self._waiting: deque[int] = deque()

    def note(self, packet: Packet[VideoStream]) -> None:
        """Take the time of the next packet, before it is decoded."""
        if packet.dts is not None:  # an empty packet without time ends the stream
            self._waiting.append(packet.dts)

    def timed(self, frames: Iterable[CodedFrame]) -> Iterator[CodedFrame]:
        """The frames, each with its time; None where there were fewer packets."""
        for frame in frames:
            frame.pts = self._waiting.popleft() if self._waiting else None
            yield frame
