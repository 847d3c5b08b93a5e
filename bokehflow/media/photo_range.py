"""Whether a photo is of high dynamic range, whose levels are not those of sRGB.

A PNG says so in its chunk cICP (PNG specification, third edition, section 11.3.2.6), HEIC and AVIF
in a colour box of type nclx (ISO/IEC 14496-12, section 12.1.5). Pillow reads neither.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from bokehflow.errors import MediaError
from bokehflow.media.tone_map import HDR_TRANSFERS

_PNG_SIGNATURE_BYTES, _CHUNK_HEADER_BYTES, _CHUNK_SUM_BYTES = 8, 8, 4
_COLOURS_BYTES = 4
_COLOUR_BOX = b"colrnclx"
_BOXES_BYTES = 1 << 16
"""As far as the boxes in front of an AVIF's pixels are looked through."""


def require_standard_range(picture: Image.Image, path: Path) -> None:
    """Raise MediaError for a photo that says that its levels are PQ's or HLG's."""
    transfer = _transfer(picture, path)
    if transfer in HDR_TRANSFERS:
        raise MediaError(
            f"{path} is a picture of high dynamic range ({HDR_TRANSFERS[transfer]})",
            "standard dynamic range",
            "export it as sRGB first",
        )


def _transfer(picture: Image.Image, path: Path) -> int | None:
    """The curve by its number in ITU-T H.273; None where the file does not tell."""
    if picture.format == "HEIF":
        colours = picture.info.get("nclx_profile") or {}
        return colours.get("transfer_characteristics")
    if picture.format not in ("PNG", "AVIF"):
        return None
    with path.open("rb") as file:
        return _png_transfer(file) if picture.format == "PNG" else _avif_transfer(file)


def _png_transfer(file: BinaryIO) -> int | None:
    file.seek(_PNG_SIGNATURE_BYTES)
    while len(header := file.read(_CHUNK_HEADER_BYTES)) == _CHUNK_HEADER_BYTES:
        length, kind = int.from_bytes(header[:4], "big"), header[4:]
        if kind == b"IDAT":
            break
        if kind == b"cICP":
            content = file.read(_COLOURS_BYTES)  # primaries, transfer, matrix, range
            return content[1] if len(content) == _COLOURS_BYTES else None
        file.seek(length + _CHUNK_SUM_BYTES, os.SEEK_CUR)
    return None


def _avif_transfer(file: BinaryIO) -> int | None:
    _, found, colours = file.read(_BOXES_BYTES).partition(_COLOUR_BOX)
    return int.from_bytes(colours[2:4], "big") if found else None  # behind the primaries
