"""The options of `bfx render` beside those of the lens: files, renderer, network."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from bokehflow.cli.common_options import (
    NETWORK_SIZE_HELP,
    NETWORK_SIZE_METAVAR,
    QUALITY_HELP,
    QUALITY_METAVAR,
    VARIANT_HELP,
)
from bokehflow.defaults import VARIANT
from bokehflow.specs import MOBILE_PROFILE

DEFAULT_NETWORK_SIZE, DEFAULT_TSP = MOBILE_PROFILE, "document"
QUALITY_WITH_DEPTH, QUALITY_WITH_NETWORK = "best", "mobile"

Source = Annotated[Path, typer.Argument(metavar="IN", help="A photo or a video.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="Where to write: .jpg or .png; for a video .mp4, .mov or .mkv. "
        "[default: <IN>_bokeh beside IN]",
    ),
]
QualityName = Annotated[
    str | None,
    typer.Option(
        metavar=QUALITY_METAVAR,
        help=f"{QUALITY_HELP} [default: {QUALITY_WITH_DEPTH} with --depth, "
        f"{QUALITY_WITH_NETWORK} with the network]",
    ),
]
Depth = Annotated[
    Path | None,
    typer.Option(
        help="Depth instead of the network's: .npy with float32 metres (inf is sky) or 16-bit .png "
        "with millimetres, of the size of the frame as displayed; for a video a folder of them."
    ),
]
ToneMap = Annotated[
    bool,
    typer.Option("--tone-map", help="Show a video of high dynamic range (HLG, PQ) as sRGB."),
]
Cuts = Annotated[
    bool,
    typer.Option(
        "--cuts", help="Look for cuts in a video: in every shot state and focus begin anew."
    ),
]
DepthOut = Annotated[
    Path | None,
    typer.Option(
        help="Write the depth too: .npy or 16-bit .png (up to 65.535 m); for a video a new folder "
        "of .png files."
    ),
]
SideBySide = Annotated[
    Path | None, typer.Option(help="Write the photo before and after in one picture too.")
]
VariantName = Annotated[str | None, typer.Option(help=f"{VARIANT_HELP} [default: {VARIANT}]")]
NetworkSize = Annotated[
    str | None,
    typer.Option(
        metavar=NETWORK_SIZE_METAVAR,
        help=f"{NETWORK_SIZE_HELP} [default: {DEFAULT_NETWORK_SIZE}]",
    ),
]
Tsp = Annotated[
    str | None,
    typer.Option(
        metavar="document|off|blended|systolic|cold",
        help="How the network's state goes from frame to frame; systolic flickers least. "
        f"[default: {DEFAULT_TSP}]",
    ),
]
ArtifactPath = Annotated[
    Path | None,
    typer.Option(
        "--artifact",
        help="An exported artifact instead of the network in torch; frames must have its size.",
    ),
]
Runtime = Annotated[
    str | None,
    typer.Option(help="The engine that runs the artifact. [default: its format's own]"),
]


@dataclass(frozen=True, slots=True)
class RendererOptions:
    """How to render; None where not given."""

    quality: str | None
    blades: int | None
    blade_rotation_deg: float | None
    highlights: float | None


@dataclass(frozen=True, slots=True)
class NetworkOptions:
    """The options that only the network understands; None where not given."""

    variant: str | None
    weights: Path | None
    network_size: str | None
    source_fov_deg: float | None
    tsp: str | None = None
    segments: int | None = None


@dataclass(frozen=True, slots=True)
class ArtifactOptions:
    """An exported artifact and what runs it; None where not given."""

    artifact: Path | None
    runtime: str | None


def given_options(options: RendererOptions | NetworkOptions | ArtifactOptions) -> list[str]:
    """The names, as on the command line, of the options that were given."""
    return [
        "--" + field.name.replace("_", "-")
        for field in fields(options)
        if getattr(options, field.name) is not None
    ]
