"""The camera that took a photo, as its EXIF tags tell it. Read only when the caller asks.

Nothing is ever assumed: a tag that is missing or zero is an error that names it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import ExifTags

from bokehflow.errors import MediaError
from bokehflow.media.photo_layout import stored_size
from bokehflow.media.pictures import opened_picture
from bokehflow.optics import FULL_FRAME_WIDTH_MM

FULL_FRAME_DIAGONAL_MM = math.hypot(FULL_FRAME_WIDTH_MM, 24.0)
_SIDEWAYS_ORIENTATIONS = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class ExifCamera:
    """The tags of one photo. A value that the file does not give is None until it is asked for.

    width_px, height_px: size of the photo as displayed, after its EXIF orientation.
    """

    path: Path
    width_px: int
    height_px: int
    focal_length_tag: float | None
    f_number_tag: float | None
    focal_length_35mm_tag: float | None

    @property
    def focal_length_mm(self) -> float:
        """True focal length. Raises MediaError where FocalLength is missing or not above 0."""
        return self._require(self.focal_length_tag, "FocalLength", "--focal-length-mm")

    @property
    def f_number(self) -> float:
        """Aperture. Raises MediaError where FNumber is missing or not above 0."""
        return self._require(self.f_number_tag, "FNumber", "--f-number")

    @property
    def sensor_width_mm(self) -> float:
        """Sensor size across the displayed frame's width, for a photo that was not cropped.

        The 35mm-equivalent focal length compares diagonals (CIPA DCG-001), so the diagonal is
        43.27 mm * f / f_35mm and the frame's own shape gives the width. Raises MediaError where
        FocalLength or FocalLengthIn35mmFilm is missing.
        """
        equivalent_mm = self._require(
            self.focal_length_35mm_tag, "FocalLengthIn35mmFilm", "--sensor-width-mm"
        )
        diagonal_mm = FULL_FRAME_DIAGONAL_MM * self.focal_length_mm / equivalent_mm
        return diagonal_mm * self.width_px / math.hypot(self.width_px, self.height_px)

    @property
    def horizontal_fov_deg(self) -> float:
        """Field of view across the displayed frame's width, in degrees.

        Needs FocalLengthIn35mmFilm only. Raises MediaError where it is missing.
        """
        equivalent_mm = self._require(
            self.focal_length_35mm_tag, "FocalLengthIn35mmFilm", "--source-fov-deg"
        )
        width_share = self.width_px / math.hypot(self.width_px, self.height_px)
        half_width_mm = 0.5 * FULL_FRAME_DIAGONAL_MM * width_share
        return math.degrees(2.0 * math.atan(half_width_mm / equivalent_mm))

    def _require(self, value: float | None, tag: str, option: str) -> float:
        if value is None or not math.isfinite(value) or value <= 0:
            found = "has no EXIF tag" if value is None else f"has the value {value} in the EXIF tag"
            raise MediaError(
                f"{self.path} {found} {tag}", "the camera's own value", f"give {option} yourself"
            )
        return value


def read_exif_camera(path: Path) -> ExifCamera:
    """Read the lens tags of a photo. Raises MediaError where it or its EXIF block is damaged."""
    with opened_picture(path, "a photo with EXIF tags") as picture:
        exif = picture.getexif()
        tags = exif.get_ifd(ExifTags.IFD.Exif)
        sideways = exif.get(ExifTags.Base.Orientation) in _SIDEWAYS_ORIENTATIONS
        stored = stored_size(picture)
        width, height = reversed(stored) if sideways else stored
    return ExifCamera(
        path=path,
        width_px=width,
        height_px=height,
        focal_length_tag=_number(tags.get(ExifTags.Base.FocalLength)),
        f_number_tag=_number(tags.get(ExifTags.Base.FNumber)),
        focal_length_35mm_tag=_number(tags.get(ExifTags.Base.FocalLengthIn35mmFilm)),
    )


def _number(value: Any) -> float | None:
    """A tag's value as a float; NaN where the tag holds something else (0/0, a text)."""
    if value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return math.nan
