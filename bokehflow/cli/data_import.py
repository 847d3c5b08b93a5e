"""`bfx data import`: the document's real sets as clips for training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import SkipBad
from bokehflow.cli.help_text import example
from bokehflow.cli.output_paths import outside_artifacts

if TYPE_CHECKING:
    from bokehflow.calibration.data.importing import Imported

app = typer.Typer(help="Turn a real set into clips for training.", no_args_is_help=True)

Out = Annotated[
    Path,
    typer.Argument(
        metavar="OUT", help="The folder that gets the clips.", callback=outside_artifacts
    ),
]
Side = Annotated[int, typer.Option(min=32, help="The longer side of the clips in pixels.")]
Fov = Annotated[float, typer.Option(help="Field of view across the longer side, in degrees.")]


@app.command(
    epilog=example(
        "bfx data import realbokeh RealBokeh data --part train --focal-length-mm 50 --focus-m 2",
    )
)
def realbokeh(
    folder: Annotated[Path, typer.Argument(metavar="SET", help="Holds train/, test/ and so on.")],
    out: Out,
    focal_length_mm: Annotated[
        float, typer.Option(help="Of the lens, for photos whose EXIF tags do not tell it.")
    ],
    focus_m: Annotated[float, typer.Option(help="Where they are focused; the set does not say.")],
    part: Annotated[str, typer.Option(help="train, validation or test.")] = "train",
    sensor_width_mm: Annotated[float, typer.Option(help="Of the camera.")] = 36.0,
    side: Side = 640,
    skip_bad: SkipBad = False,
) -> CommandResult:
    """Import pairs of a sharp and a blurred photo. They train the picture, not the depth.

    Those of validation and test are held out.
    """
    from bokehflow.calibration.data.importing import import_realbokeh
    from bokehflow.optics import Lens

    lens = Lens(focal_length_mm=focal_length_mm, focus_m=focus_m, sensor_width_mm=sensor_width_mm)
    return _told(out, "realbokeh", import_realbokeh(folder, part, out, side, lens, skip_bad))


@app.command(epilog=example("bfx data import davis DAVIS data --fov-deg 60 --frames 8"))
def davis(
    folder: Annotated[Path, typer.Argument(metavar="SET", help="Holds JPEGImages/480p/.")],
    out: Out,
    fov_deg: Fov,
    frames: Annotated[int, typer.Option(min=1, help="Frames a clip.")] = 8,
    side: Side = 640,
    skip_bad: SkipBad = False,
) -> CommandResult:
    """Import films. They have no truth: nothing is trained on them, but they can be looked at."""
    from bokehflow.calibration.data.importing import import_davis

    return _told(out, "davis", import_davis(folder, out, side, fov_deg, frames, skip_bad))


@app.command(
    "pseudo-depth",
    epilog=example(
        "bfx data import pseudo-depth photos labels data --fov-deg 60 --nearest-m 1 --farthest-m 50"
    ),
)
def pseudo_depth(
    photos: Annotated[Path, typer.Argument(metavar="PHOTOS", help="JPEG, PNG, HEIC and the like.")],
    labels: Annotated[
        Path, typer.Argument(metavar="LABELS", help="16-bit PNG or .npy of the same names.")
    ],
    out: Out,
    fov_deg: Fov,
    nearest_m: Annotated[float, typer.Option(help="Depth of the nearest label of a picture.")],
    farthest_m: Annotated[float, typer.Option(help="Depth of the farthest.")],
    side: Side = 640,
    skip_bad: SkipBad = False,
) -> CommandResult:
    """Import pictures with depth that another network guessed. They train depth, not the picture.

    A label is relative and larger where nearer; you say which distances it spans. Each picture is
    taken for a scene of its own: of a film, import one frame.
    """
    from bokehflow.calibration.data.importing import import_pseudo_depth

    span = (nearest_m, farthest_m)
    found = import_pseudo_depth(photos, labels, out, side, fov_deg, span, skip_bad)
    return _told(out, "pseudo-depth", found)


def _told(out: Path, source: str, found: Imported) -> CommandResult:
    document = {"folder": out, "source": source, "clips": found.clips, "left_out": found.left_out}
    text = f"{found.clips} clips in {out / source}"
    if found.left_out:
        text += "; left out: " + ", ".join(f"{n} {kind}" for kind, n in found.left_out.items())
    return CommandResult(document, text)
