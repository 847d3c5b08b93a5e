"""What a photo says of its colours beside an ICC profile: high dynamic range, whose levels are not
those of sRGB, and primaries.

A PNG says so in its chunk cICP (PNG specification, third edition, section 11.3.2.6), HEIC and AVIF
in a colour box of type nclx (ISO/IEC 14496-12, section 12.1.5). Pillow reads neither.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, NamedTuple

from PIL import Image

from bokehflow.errors import MediaError
from bokehflow.media.tone_map import HDR_TRANSFERS

UNSPECIFIED = 2
_PNG_SIGNATURE_BYTES, _CHUNK_HEADER_BYTES, _CHUNK_SUM_BYTES = 8, 8, 4
_COLOURS_BYTES = 4
_COLOUR_BOX = b"colrnclx"
_BOXES_BYTES = 1 << 16
"""As far as the boxes in front of an AVIF's pixels are looked through."""


class _Colours(NamedTuple):
    """Primaries and curve by their numbers in ITU-T H.273."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED


def standard_primaries(picture: Image.Image, path: Path) -> int:
    """The primaries by their number in ITU-T H.273, UNSPECIFIED where the file does not tell.

    Raises MediaError for a photo that says that its levels are PQ's or HLG's.
    """
    primaries, transfer = _colours(picture, path)
    if transfer in HDR_TRANSFERS:
        raise MediaError(
            f"{path} is a picture of high dynamic range ({HDR_TRANSFERS[transfer]})",
            "standard dynamic range",
            "export it as sRGB first",
        )
    return primaries


def _colours(picture: Image.Image, path: Path) -> _Colours:
    if picture.format == "HEIF":
        told = picture.info.get("nclx_profile") or {}
        return _Colours(
            told.get("color_primaries", UNSPECIFIED),
            told.get("transfer_characteristics", UNSPECIFIED),
        )
    if picture.format not in ("PNG", "AVIF"):
        return _Colours()
    with path.open("rb") as file:
        return _png_colours(file) if picture.format == "PNG" else _avif_colours(file)


def _png_colours(file: BinaryIO) -> _Colours:
    file.seek(_PNG_SIGNATURE_BYTES)
    while len(header := file.read(_CHUNK_HEADER_BYTES)) == _CHUNK_HEADER_BYTES:
        length, kind = int.from_bytes(header[:4], "big"), header[4:]
        if kind == b"IDAT":
            break
        if kind == b"cICP":
            content = file.read(_COLOURS_BYTES)  # primaries, transfer, matrix, range
            return _Colours(*content[:2]) if len(content) == _COLOURS_BYTES else _Colours()
        file.seek(length + _CHUNK_SUM_BYTES, os.SEEK_CUR)
    return _Colours()


def _avif_colours(file: BinaryIO) -> _Colours:
    _, found, told = file.read(_BOXES_BYTES).partition(_COLOUR_BOX)
    if not found:
        return _Colours()
    return _Colours(int.from_bytes(told[:2], "big"), int.from_bytes(told[2:4], "big"))
