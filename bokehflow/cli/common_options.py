"""The options that several commands share, each declared once.

Imports nothing that `bfx --help` would have to wait for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bokehflow.defaults import SEGMENTS
from bokehflow.specs import VARIANTS

*_OTHERS, _LAST = VARIANTS
VARIANT_HELP = f"{', '.join(_OTHERS)} or {_LAST}."
NETWORK_SIZE_METAVAR = "mobile|full|HxW"
NETWORK_SIZE_HELP = "The size at which the network sees a frame."
QUALITY_METAVAR = "mobile|best"
QUALITY_HELP = "The renderer's layers and detail."

Artifacts = Annotated[
    list[Path],
    typer.Argument(metavar="ARTIFACT...", help="Artifacts made by bfx export or bfx quantize."),
]
VariantName = Annotated[str, typer.Option(help=VARIANT_HELP)]
Weights = Annotated[
    Path | None, typer.Option(help="A weights file. [default: the weights that ship]")
]
ArtifactWeights = Annotated[
    Path | None,
    typer.Option(help="The weights it was exported from. [default: the weights that ship]"),
]
FrameSize = Annotated[
    str, typer.Option(metavar="HxW", help="Height and width of the frames in pixels.")
]
NetworkSize = Annotated[str, typer.Option(metavar=NETWORK_SIZE_METAVAR, help=NETWORK_SIZE_HELP)]
Segments = Annotated[
    int | None,
    typer.Option(
        help=f"Pieces of a scan that each start from the frame before, where tsp has such. "
        f"[default: {SEGMENTS}]"
    ),
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out files that cannot be read, and say so.")
]
