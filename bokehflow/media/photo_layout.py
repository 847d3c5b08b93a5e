"""What Pillow makes of a file's pixels that is not the photo as it is."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from bokehflow.errors import MediaError

_SUBFILE_TYPE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _PLANES = 254, 256, 257, 258, 262, 284
_DNG_VERSION = 50706
"""Tags: TIFF 6.0, section 8, and the DNG specification."""
_REDUCED = 1
_SHALLOW = {"L;2": 85, "L;4": 17}
"""Grey of few bits, and what makes it eight."""
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


def stored_size(picture: Image.Image) -> tuple[int, int]:
    """Width and height as they lie in the file: Pillow tells those of a sideways TIFF as they will
    be once it is turned."""
    if picture.format != "TIFF":
        return picture.size
    tags = picture.tag_v2  # type: ignore[attr-defined]
    return int(tags[_WIDTH]), int(tags[_HEIGHT])


def read_as_stored(picture: Image.Image) -> None:
    """Load the pixels with what Pillow gets wrong by itself.

    It maps uncompressed TIFF into memory with the sides of the turned picture; and the transparent
    level of a PNG of two or four bits stays as it is where its levels become those of eight.
    """
    layouts = [tile.args for tile in getattr(picture, "tile", ()) if isinstance(tile.args, str)]
    shallow = [_SHALLOW[layout] for layout in layouts if layout in _SHALLOW]
    if picture.format == "TIFF":
        # What has no name is not mapped.
        picture.filename = ""  # type: ignore[attr-defined]
    picture.load()
    if shallow and isinstance(picture.info.get("transparency"), int):
        picture.info["transparency"] *= shallow[0]
