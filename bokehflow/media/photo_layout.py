"""Kinds of TIFF whose pixels Pillow does not show as the photo that they are."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from bokehflow.errors import MediaError

_SUBFILE_TYPE, _BITS, _PHOTOMETRIC, _PLANES, _DNG_VERSION = 254, 258, 262, 284, 50706
"""Tags: TIFF 6.0, section 8, and the DNG specification."""
_REDUCED = 1
_WHITE_IS_ZERO, _SEPARATE = 0, 2


def require_developed(picture: Image.Image, path: Path) -> None:
    """Raise MediaError for a raw photo, of which there is but a preview, and for a TIFF whose deep
    pixels Pillow misreads."""
    if picture.format != "TIFF":
        return
    tags = picture.tag_v2  # type: ignore[attr-defined]
    if _DNG_VERSION in tags or tags.get(_SUBFILE_TYPE, 0) & _REDUCED:
        raise MediaError(
            f"{path} is a raw photo, of which only a preview can be read",
            "a photo that is developed",
            "export it as JPEG, PNG or TIFF",
        )
    bits = tags.get(_BITS, (1,))
    deep = max(bits) > 8
    inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
    apart = len(bits) > 1 and tags.get(_PLANES) == _SEPARATE
    if deep and (inverted or apart or max(bits) not in (16, 32)):
        raise MediaError(
            f"{path} is a TIFF of {max(bits)} bits that is not read as it is shown",
            "8 bits, or 16 with black at zero and its channels together",
            "export it as PNG",
        )
