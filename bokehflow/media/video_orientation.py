"""Which way up a frame is: a phone writes frames as the sensor lies, and a matrix beside them.

Source: ISO/IEC 14496-12, section 8.2.2: x goes to a x + c y, and y to b x + d y.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
from av.video.frame import VideoFrame as CodedFrame
from torch import Tensor

from bokehflow.errors import MediaError


class Orientation(NamedTuple):
    """Left and right exchanged, then turned counterclockwise by so many quarters."""

    mirrored: bool = False
    turns: int = 0

    @property
    def is_sideways(self) -> bool:
        """Whether height and width change places."""
        return self.turns % 2 == 1

    def upright(self, image: Tensor) -> Tensor:
        """[B, C, H, W] as it is to be shown, laid out so."""
        facing = image.flip(3) if self.mirrored else image
        return torch.rot90(facing, self.turns, dims=(2, 3)).contiguous()


# By the signs of a, b, c and d.
_TURNS = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
_ORIENTATIONS = {signs: Orientation(False, turns) for turns, signs in enumerate(_TURNS)} | {
    (-a, -b, c, d): Orientation(True, turns) for turns, (a, b, c, d) in enumerate(_TURNS)
}


def orientation_of(frame: CodedFrame, path: Path) -> Orientation:
    """What a decoded frame's display matrix asks for. Raises MediaError for an odd angle.

    Beside side data of a kind that PyAV does not know, as the EXIF block of a JPEG frame, only the
    turn is told, and not whether the frame is mirrored.
    """
    try:
        # PyAV declares a mapping of names; walking it gives the side data themselves.
        beside = list(cast(Iterable[Any], frame.side_data))
    except ValueError:
        return _turned(frame.rotation, path)
    matrices = [bytes(data) for data in beside if data.type.name == "DISPLAYMATRIX"]
    return _by_matrix(matrices[0], path) if matrices else Orientation()


def _by_matrix(matrix: bytes, path: Path) -> Orientation:
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    signs = tuple((value > 0) - (value < 0) for value in (a, b, c, d))
    if signs not in _ORIENTATIONS:
        raise _odd_angle(path)
    return _ORIENTATIONS[signs]


def _turned(degrees: int, path: Path) -> Orientation:
    """degrees: counterclockwise."""
    if degrees % 90:
        raise _odd_angle(path)
    return Orientation(turns=degrees // 90 % 4)


def _odd_angle(path: Path) -> MediaError:
    return MediaError(
        f"{path} asks to be shown at an odd angle", "a turn of 0, 90, 180 or 270 degrees"
    )
