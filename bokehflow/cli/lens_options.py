"""The lens and focus options that several commands share, and what they add up to.

Nothing is read from a photo's EXIF unless `--lens-from-exif` asks for it. Then an option that was
given still counts, and EXIF fills in the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.errors import UsageError
from bokehflow.focus import Focus, parse_point, provisional_focus_m
from bokehflow.optics import Lens

if TYPE_CHECKING:
    from bokehflow.media.exif import ExifCamera

_DEFAULT = Lens()

FNumber = Annotated[
    float | None,
    typer.Option(help=f"Aperture of the lens to imitate. [default: {_DEFAULT.f_number}]"),
]
FocalLengthMm = Annotated[
    float | None,
    typer.Option(help=f"Its focal length in mm. [default: {_DEFAULT.focal_length_mm:g}]"),
]
SensorWidthMm = Annotated[
    float | None,
    typer.Option(
        help="Its sensor's size in mm across the width of the frame; for an upright photo that is "
        f"the sensor's short side. [default: {_DEFAULT.sensor_width_mm:g}]"
    ),
]
LensFromExif = Annotated[
    bool,
    typer.Option(
        "--lens-from-exif",
        help="Take the values that are not given from the photo's EXIF tags; a missing tag is an "
        "error. A phone's own lens blurs very little.",
    ),
]
FocusM = Annotated[float | None, typer.Option(help="Focus at this distance in metres.")]
FocusPointText = Annotated[
    str | None,
    typer.Option(
        "--focus-point",
        metavar="X,Y",
        help="Focus at the depth found there (median of a small square): pixels from the upper "
        "left corner of the displayed frame, or percents as in 50%,40%.",
    ),
]
Autofocus = Annotated[
    bool,
    typer.Option(
        "--autofocus",
        help="Focus at the median depth of the nearest fifth of the middle ninth of the frame. "
        "This is also the rule when no focus is given.",
    ),
]
Blades = Annotated[
    int | None,
    typer.Option(help="Straight aperture blades, 3 to 32; 0 is a round aperture. [default: 0]"),
]
BladeRotationDeg = Annotated[
    float | None,
    typer.Option(
        help="Angle of the aperture's first corner in the blur of what lies behind the focus, in "
        "degrees clockwise from the right. [default: 0]"
    ),
]
Highlights = Annotated[
    float | None,
    typer.Option(
        help="Highlight recovery: how many times its own light a clipped highlight gets on top, "
        "0 to 16; 0 is off. [default: 0]"
    ),
]
SourceFovDeg = Annotated[
    float | None,
    typer.Option(
        help="Horizontal field of view, in degrees, of the camera that took the frame: the scale "
        "of the network's depth. [default: from EXIF with --lens-from-exif, else the field of "
        "view the network was trained for]"
    ),
]


@dataclass(frozen=True, slots=True)
class LensValues:
    """The lens to imitate, all but its focus distance, which may depend on the scene."""

    focal_length_mm: float
    f_number: float
    sensor_width_mm: float

    def __post_init__(self) -> None:
        # Any distance will do: what is wrong with the other values shows before any work is done.
        self.focused_at(provisional_focus_m(self.focal_length_mm))

    def focused_at(self, focus_m: float) -> Lens:
        """The whole lens. Raises LensError for values that no lens could have."""
        return Lens(self.focal_length_mm, self.f_number, focus_m, self.sensor_width_mm)


def lens_values(
    focal_length_mm: float | None,
    f_number: float | None,
    sensor_width_mm: float | None,
    exif: ExifCamera | None,
) -> LensValues:
    """The options that were given, the rest from EXIF if there is one, else from the default lens.

    Raises MediaError for an EXIF tag that is needed and missing, LensError for impossible values.
    """
    fallback = _DEFAULT if exif is None else exif
    return LensValues(
        fallback.focal_length_mm if focal_length_mm is None else focal_length_mm,
        fallback.f_number if f_number is None else f_number,
        fallback.sensor_width_mm if sensor_width_mm is None else sensor_width_mm,
    )


def focus_from_options(focus_m: float | None, focus_point: str | None, autofocus: bool) -> Focus:
    """What to focus on. Raises UsageError where more than one rule is given."""
    given = [
        name
        for name, is_given in (
            ("--focus-m", focus_m is not None),
            ("--focus-point", focus_point is not None),
            ("--autofocus", autofocus),
        )
        if is_given
    ]
    if len(given) > 1:
        raise UsageError(" and ".join(given) + " together", "one of them")
    return Focus(focus_m, None if focus_point is None else parse_point(focus_point))


def exif_of(photo: Path, lens_from_exif: bool) -> ExifCamera | None:
    """The photo's EXIF camera where the user asked for it. Raises MediaError where it has none,
    and UsageError for a video."""
    if not lens_from_exif:
        return None
    from bokehflow.cli.render_files import is_video

    if is_video(photo):
        raise UsageError("--lens-from-exif with a video", "a photo")
    from bokehflow.media.exif import read_exif_camera

    return read_exif_camera(photo)
