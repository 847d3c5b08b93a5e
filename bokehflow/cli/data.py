"""`bfx data`: make training data, list it, check it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.cli import data_import
from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import FrameSize, SkipBad
from bokehflow.cli.help_text import example
from bokehflow.cli.output_paths import outside_artifacts
from bokehflow.cli.terminal import progress_bar, text_table
from bokehflow.defaults import CLIP_SIZE_PX
from bokehflow.errors import UsageError
from bokehflow.specs import Size

if TYPE_CHECKING:
    from bokehflow.calibration.data.manifest import Manifest

DEFAULT_SIZE = str(Size(*CLIP_SIZE_PX))
SHOWN = 20
"""So many bad clips are named for people; --json names all."""

app = typer.Typer(help="Make training data, list it, check it.", no_args_is_help=True)

app.add_typer(
    data_import.app,
    name="import",
    epilog=example("bfx data import davis DAVIS data --fov-deg 60"),
)

Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="The data folder.", callback=outside_artifacts)
]
Source = Annotated[
    str,
    typer.Option(
        metavar="NAME,NAME", help="layered, rooms, outdoors, workshops, several of them, or all."
    ),
]
Count = Annotated[int, typer.Option(min=1, help="Clips of each source.")]
Frames = Annotated[int, typer.Option(min=1, help="Frames a clip; more than 1 move.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed; the same gives the same bytes.")]
Photos = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Your photos, for the layered source: JPEG, PNG, HEIC and the like."
    ),
]
Cutouts = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Your cut-outs, for the layered source: PNG with alpha."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Jobs at a time. [default: 1, with --ray all its processors]"),
]
Ray = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Make them as Ray tasks: local, or HOST:PORT of a head."),
]

Split = Annotated[
    str,
    typer.Option(metavar="NAME", help="Only the clips for train, or held-out; both if left out."),
]
LensViews = Annotated[
    bool,
    typer.Option(
        "--lens-views/--no-lens-views",
        help="Frames through the lens as well. Without: several times as fast, for depth alone.",
    ),
]


@app.command(
    epilog=example(
        "bfx data make training --source all --count 4000 --workers 8",
        "bfx data make clips --source rooms --count 200 --frames 5 --size 192x256",
        "bfx data make layered --photos photos --cutouts cutouts --count 2000",
        "bfx data make depth --source rooms,outdoors --count 9000 --split train --no-lens-views",
        "bfx data make training --source all --count 40000 --ray 10.0.0.1:6379",
    )
)
def make(
    folder: Folder,
    source: Source = "layered",
    count: Count = 100,
    size: FrameSize = DEFAULT_SIZE,
    frames: Frames = 1,
    seed: Seed = 0,
    workers: Workers = None,
    ray: Ray = None,
    photos: Photos = None,
    cutouts: Cutouts = None,
    skip_bad: SkipBad = False,
    split: Split = "",
    lens_views: LensViews = True,
) -> CommandResult:
    """Make clips with exact depth and thin-lens truth; clips that are there already are kept.

    Layered composites need nothing more, and are richer with photos and cut-outs of your own. A
    table material.csv among them (file, author, licence, height_m) may say whose they are and how
    tall what a cut-out shows really is. Rooms and outdoor scenes need bokehflow[data] and Debian's
    packages sweethome3d-furniture and libllvm19.

    --ray needs bokehflow[cluster]; start the command on a machine of the cluster, with the data
    folder and the pictures at the same paths on all of them.
    """
    from bokehflow.calibration.data.making import make_data, wanted_keys
    from bokehflow.calibration.data.material import find_material
    from bokehflow.calibration.data.request import DataRequest, parse_sources
    from bokehflow.calibration.data.split import SPLITS, require_split

    frame = Size.parse(size)
    sources = parse_sources(source)
    if (photos or cutouts) and "layered" not in sources:
        raise UsageError(f"photos or cut-outs for {source}", "the source layered, which uses them")
    material = find_material(photos, cutouts, skip_bad)
    hashes = material.photos_sha256, material.cutouts_sha256
    splits = (require_split(split),) if split else SPLITS
    request = DataRequest(frame.height, frame.width, frames, seed, *hashes, lens_views)
    wanted = wanted_keys(sources, count, splits)
    with progress_bar("clips", len(wanted)) as advance:

        def made(number: int) -> None:
            for _ in range(number):
                advance()

        manifest = make_data(folder, request, sources, count, workers, made, material, ray, splits)
    listed = _listed(folder, manifest)
    return dataclasses.replace(
        listed, warnings=tuple(f"left out: {reason}" for reason in material.left_out)
    )


@app.command(
    epilog=example(
        "bfx data material material",
        "bfx data make layered --photos material/photos --cutouts material/cutouts --count 2000",
    )
)
def material(
    folder: Folder,
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="Where Debian packages are unpacked.")
    ] = Path("/"),
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Do without packages that are not there.")
    ] = False,
) -> CommandResult:
    """Collect the photos and cut-outs that installed Debian and PyPI packages hold.

    photos and cutouts are for training, photos-heldout for judging it. Without root, fetch the
    packages with `apt-get download`, unpack each with `dpkg -x`, and name that folder as --root.
    """
    from bokehflow.calibration.data.packaged_material import collect, packaged_files

    with progress_bar("files", len(packaged_files())) as advance:
        found = collect(folder, root, skip_missing, advance)
    rows = [[name, number] for name, number in found.counts.items()]
    text = text_table(["folder", "files"], rows)
    if found.missing:
        text += f"\nnot there: {', '.join(found.missing)}"
    document = {"folder": folder, "files": found.counts, "missing": list(found.missing)}
    return CommandResult(document, text)


@app.command("list", epilog=example("bfx data list training", "bfx data list training --json"))
def list_(folder: Folder) -> CommandResult:
    """Say what a data folder holds: clips by source and split, whose work, which licences."""
    from bokehflow.calibration.data.manifest import read_manifest

    return _listed(folder, read_manifest(folder))


@app.command(epilog=example("bfx data check training"))
def check(folder: Folder) -> CommandResult:
    """Compare every clip with its hash in the manifest; exit code 1 where one is bad."""
    from bokehflow.calibration.data.checking import check_data

    result = check_data(folder)
    bad = [f"missing   {path}" for path in result.missing]
    bad += [f"damaged   {path}: {reason}" for path, reason in result.damaged.items()]
    bad += [f"unlisted  {path}" for path in result.unlisted]
    lines = bad[:SHOWN] + ([f"... and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else [])
    lines.append(f"{result.good} of {len(result.manifest.clips)} clips are as they were made")
    document = {
        "folder": folder,
        "holds": result.holds,
        "clips": len(result.manifest.clips),
        "good": result.good,
        "missing": result.missing,
        "damaged": result.damaged,
        "unlisted": result.unlisted,
    }
    return CommandResult(document, "\n".join(lines), 0 if result.holds else 1)


def _listed(folder: Path, manifest: Manifest) -> CommandResult:
    full = manifest.document()
    document = {key: full[key] for key in ("request", "counts", "licences", "assets")}
    document |= {"folder": folder, "clips": len(manifest.clips)}
    counts = manifest.counts()
    splits = sorted({split for row in counts.values() for split in row})
    rows = [[name, *(row[split] for split in splits)] for name, row in counts.items()]
    licences = ", ".join(f"{number} {name}" for name, number in full["licences"].items())
    text = text_table(["source", *splits], rows)
    return CommandResult(document, f"{text}\nworks of others in it: {licences or 'none'}")
