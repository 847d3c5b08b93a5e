"""How long a video file says it is, to tell a file that was cut short before any work is done.

A decoder ends quietly where a file ends. The outermost structure of most containers tells how many
bytes there should be: MP4 and MOV boxes (ISO/IEC 14496-12, 4.2), the Matroska and WebM segment, the
RIFF chunk of AVI, the file properties of WMV (Advanced Systems Format, 3.2), the header partition
of MXF (SMPTE ST 377-1, 7.1).
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from bokehflow.media.matroska import EBML_HEADER, segment_end

_BOX_HEADER_BYTES, _LONG_BOX_HEADER_BYTES = 8, 16
_RIFF_UNKNOWN = (0, 0xFFFFFFFF)
"""What is written where the length will not be known: into a pipe, or beyond 4 GiB."""
_MP4_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_MP4_BOXES = (
    *_MP4_FIRST_BOXES, b"moof", b"mfra", b"udta", b"uuid", b"meta", b"meco", b"sidx", b"ssix",
    b"styp", b"prft", b"emsg", b"pdin", b"pnot", b"PICT",
)  # fmt: skip

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_HEADER_BYTES, _ASF_OBJECT_BYTES, _ASF_PROPERTIES_BYTES = 30, 24, 92
_ASF_BROADCAST = 1
"""The flag of a recording whose properties were written before its end."""
_MXF_HEADER_PARTITION = bytes.fromhex("060e2b34020501010d01020101")
_MXF_KEY_BYTES, _MXF_FOOTER_PLACE = 16, 24
"""Of the footer's offset: within the partition pack, behind versions, grid and two offsets."""


def declared_bytes(path: Path) -> int | None:
    """The bytes the file should at least have, or None where its container does not say.

    Raises OSError where the file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        start = stream.read(_BOX_HEADER_BYTES)
        if start[:4] == b"RIFF":
            # Less the eight bytes that come before what it counts: some writers count them.
            length = int.from_bytes(start[4:8], "little")
            return None if length in _RIFF_UNKNOWN else length
        if int.from_bytes(start[:4], "big") == EBML_HEADER:
            return segment_end(stream)
        if start == _ASF_HEADER[:_BOX_HEADER_BYTES]:
            return _asf_bytes(stream)
        if start == _MXF_HEADER_PARTITION[:_BOX_HEADER_BYTES]:
            return _mxf_bytes(stream)
        if start[4:8] in _MP4_FIRST_BOXES:
            return _mp4_bytes(stream, size)
    return None


def _mp4_bytes(stream: BinaryIO, size: int) -> int | None:
    """Where the last top-level box ends; the walk stops at the first box that passes the end.

    What follows a film that is whole, and is no box, is a recorder's own, and may end anywhere.
    """
    end, passed = 0, set[bytes]()
    while end < size:
        stream.seek(end)
        header = stream.read(_LONG_BOX_HEADER_BYTES)
        if {b"moov", b"mdat"} <= passed and header[4:8] not in _MP4_BOXES:
            return end
        if len(header) < _BOX_HEADER_BYTES:
            return end + _BOX_HEADER_BYTES
        passed.add(header[4:8])
        length = int.from_bytes(header[:4], "big")
        if length == 0:  # "to the end of the file"
            return None
        if length == 1:  # the length follows in 64 bits
            length = int.from_bytes(header[8:16], "big")
        if length < _BOX_HEADER_BYTES:
            return None  # not a box: padding that some recorders append
        end += length
    return end


def _asf_bytes(stream: BinaryIO) -> int | None:
    stream.seek(0)
    header = stream.read(_ASF_HEADER_BYTES)
    place, end = _ASF_HEADER_BYTES, int.from_bytes(header[16:24], "little")
    while place < end:
        stream.seek(place)
        found = stream.read(_ASF_PROPERTIES_BYTES)
        length = int.from_bytes(found[16:_ASF_OBJECT_BYTES], "little")
        if found[:16] == _ASF_FILE_PROPERTIES:
            is_broadcast = int.from_bytes(found[88:], "little") & _ASF_BROADCAST
            return None if is_broadcast else int.from_bytes(found[40:48], "little") or None
        if length < _ASF_OBJECT_BYTES:
            return None  # cut within its header, or damaged: left to the decoder
        place += length
    return None


def _mxf_bytes(stream: BinaryIO) -> int | None:
    """What is left of a file that ends within its footer is all of its pictures."""
    stream.seek(0)
    key = stream.read(_MXF_KEY_BYTES)
    if not key.startswith(_MXF_HEADER_PARTITION):
        return None
    length = stream.read(1)[0]
    if length & 0x80:  # the number of bytes that hold it (ITU-T X.690, 8.1.3)
        stream.read(length & 0x7F)
    pack = stream.read(_MXF_FOOTER_PLACE + 8)
    footer = int.from_bytes(pack[_MXF_FOOTER_PLACE:], "big")
    return footer + _MXF_KEY_BYTES if footer else None
