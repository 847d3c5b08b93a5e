"""The structure of Matroska and WebM files, to tell one that is damaged before any work is done.

FFmpeg looks for the next cluster behind an element that it cannot read, and goes on there without a
word: frames are missing then. What is inside blocks is left to the decoder. Sources: RFC 8794
(EBML), RFC 9559 (Matroska).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

EBML_HEADER = 0x1A45DFA3
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_ANYWHERE = (0xEC, 0xBF)
"""Void and CRC-32."""
_IN_SEGMENT = (
    0x114D9B74, 0x1549A966, 0x1654AE6B, _CLUSTER, 0x1C53BB6B, 0x1043A770, 0x1254C367, 0x1941A469,
    *_ANYWHERE,
)  # fmt: skip
"""SeekHead, Info, Tracks, Cluster, Cues, Chapters, Tags, Attachments."""
_IN_CLUSTER = (0xE7, 0x5854, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, *_ANYWHERE)
"""Timestamp, SilentTracks, Position, PrevSize, SimpleBlock, BlockGroup, EncryptedBlock."""
_LONGEST_ID_BYTES, _LONGEST_LENGTH_BYTES = 4, 8


class _Element(NamedTuple):
    """What it is, and where what it holds begins and ends. end: None where the file does not tell,
    as of a live recording."""

    kind: int
    inside: int
    end: int | None


class _NoElementError(Exception):
    """What lies at a place is no element."""

    def __init__(self, place: int) -> None:
        super().__init__(place)
        self.place = place


def segment_end(stream: BinaryIO) -> int | None:
    """Where the file should at least end; None where it does not tell, or is not whole up to its
    segment."""
    try:
        return _segment(stream).end
    except _NoElementError:
        return None


def first_damage(path: Path) -> int | None:
    """The byte at which the clusters of a Matroska file are damaged; None for one that is whole, of
    which the length is not told, and for other files.

    Raises OSError where the file cannot be read.
    """
    # Without a buffer, which would be filled anew for every block.
    with path.open("rb", buffering=0) as stream:
        if int.from_bytes(stream.read(4), "big") != EBML_HEADER:
            return None
        try:
            segment = _segment(stream)
            for element in _elements(stream, segment, _IN_SEGMENT):
                if element.kind == _CLUSTER:
                    for _block in _elements(stream, element, _IN_CLUSTER):
                        pass
        except _NoElementError as damage:
            return damage.place
    return None


def _segment(stream: BinaryIO) -> _Element:
    header = _element(stream, 0)
    if header.end is None:
        raise _NoElementError(0)
    segment = _element(stream, header.end)
    if segment.kind != _SEGMENT:
        raise _NoElementError(header.end)
    return segment


def _elements(stream: BinaryIO, parent: _Element, known: tuple[int, ...]) -> Iterator[_Element]:
    """What a parent holds, up to the first element whose length is not told.

    Raises _NoElementError for what is no element of its kind, and for one that passes its end.
    """
    place = parent.inside
    while parent.end is not None and place < parent.end:
        element = _element(stream, place)
        if element.kind not in known or (element.end or 0) > parent.end:
            raise _NoElementError(place)
        yield element
        if element.end is None:
            return
        place = element.end


def _element(stream: BinaryIO, place: int) -> _Element:
    stream.seek(place, os.SEEK_SET)
    head = stream.read(_LONGEST_ID_BYTES + _LONGEST_LENGTH_BYTES)
    id_bytes = _width(head[:1])
    length_bytes = _width(head[id_bytes : id_bytes + 1])
    inside = id_bytes + length_bytes
    if not 0 < id_bytes <= _LONGEST_ID_BYTES or not length_bytes or len(head) < inside:
        raise _NoElementError(place)
    value_bits = 7 * length_bytes
    length = int.from_bytes(head[id_bytes:inside], "big") & ((1 << value_bits) - 1)
    end = None if length == (1 << value_bits) - 1 else place + inside + length
    return _Element(int.from_bytes(head[:id_bytes], "big"), place + inside, end)


def _width(first: bytes) -> int:
    """Bytes of a number of variable length, by its first; 0 for none."""
    return 9 - first[0].bit_length() if first and first[0] else 0
