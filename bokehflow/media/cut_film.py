"""Films that were cut without encoding them anew: what they lack at their beginning is no damage.

Pictures that are shown before the first keyframe, and those of a broadcast that come before it, may
need others that were cut away, and cannot be decoded. H.264's decoder also takes for an error that
a picture asks to forget others that are not there, and shows it all the same.
"""

from __future__ import annotations

from av.packet import Packet
from av.video.frame import VideoFrame as CodedFrame
from av.video.stream import VideoStream


class CutBeginning:
    """Tells a decoder's errors that come of a cut from those that are damage.

    codec: the decoder's name. is_broadcast: whether the container is one that is cut anywhere, and
    not at keyframes. Wants every packet before it is decoded, and every frame after.
    """

    def __init__(self, codec: str, is_broadcast: bool) -> None:
        self._shows_all_the_same, self._is_broadcast = codec == "h264", is_broadcast
        self._keyframes = 0
        self._first_keyframe: int | None = None
        self._has_shown, self._has_forgiven = False, False
        self._to_come: set[int] = set()

    def note(self, packet: Packet[VideoStream]) -> None:
        """Take a packet that is to be decoded."""
        if packet.is_keyframe:
            if not self._keyframes:
                self._first_keyframe = packet.pts
            self._keyframes += 1
        in_first = self._shows_all_the_same and self._keyframes == 1
        if in_first and packet.pts is not None and not self._is_before(packet.pts):
            self._to_come.add(packet.pts)

    def explains(self, packet: Packet[VideoStream]) -> bool:
        """Whether a packet that could not be decoded may lack what was cut away."""
        if packet.pts is None or packet.is_keyframe:
            return False
        if not self._keyframes:
            return self._is_broadcast and not self._has_shown
        if self._is_before(packet.pts):
            return True
        forgiven = self._shows_all_the_same and self._keyframes == 1
        self._has_forgiven |= forgiven
        return forgiven

    def lost(self, frame: CodedFrame | None) -> int | None:
        """The time of a picture that was to come before the next frame, None for the end, and did
        not, where an error was explained; None where there is none."""
        if frame is not None and frame.pts is not None:
            self._has_shown = True
            self._to_come.discard(frame.pts)
        if not self._has_forgiven:
            return None
        shown = None if frame is None else frame.pts
        late = (pts for pts in self._to_come if shown is None or pts < shown)
        return min(late, default=None)

    def _is_before(self, pts: int) -> bool:
        return self._first_keyframe is not None and pts < self._first_keyframe
