"""`bfx quantize`: fewer bits, what they cost, and where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import ArtifactWeights, SkipBad
from bokehflow.cli.terminal import progress_bar, text_table
from bokehflow.cli.untrained import untrained_warning
from bokehflow.defaults import CALIBRATION_SAMPLES, TRUTH_LOSS_DB

if TYPE_CHECKING:
    from bokehflow.calibration.sample_set import SampleSet
    from bokehflow.export import Artifact
    from bokehflow.quantize import Quantized

COLUMNS = ("artifact", "recipe", "bytes", "loss dB", "parity dB", "8-bit layers", "status")
NOISIEST_SHOWN = 5

RecipeName = Annotated[
    str | None,
    typer.Option(metavar="int8|int8-mixed|w8|palette6|w8a8", help="[default: the target's first]"),
]
Calibration = Annotated[
    str,
    typer.Option(
        metavar="packaged|synthetic|PATH",
        help="Photos and scenes that come with bokehflow, scenes alone, or your own folder of "
        "photos, clips and videos, or one video.",
    ),
]
Samples = Annotated[int, typer.Option(min=1, help="Frames to calibrate on.")]
MaxDrop = Annotated[
    float, typer.Option(help="What bokeh may lose against truth on held-out scenes, in dB.")
]
SearchName = Annotated[
    str | None,
    typer.Option(
        metavar="parts|nncf",
        help="How int8-mixed looks for what must stay in float: whole parts, by their effect on a "
        "picture, or layer by layer with NNCF's accuracy control, two to three times as long.  "
        "[default: parts]",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of the samples drawn.")]
ScanForm = Annotated[
    str,
    typer.Option(
        "--scan",
        metavar="cpu|chunked",
        help="The form in which the model runs for carried states; chunked is slower and needs no "
        "compiler.",
    ),
]
OutputDir = Annotated[
    Path | None, typer.Option("--output-dir", "-o", help="[default: beside the artifact]")
]
Sensitivity = Annotated[
    bool,
    typer.Option(
        "--sensitivity", help="Also measure errors along a video of 100 frames; takes minutes."
    ),
]


def quantize(
    artifact: Annotated[Path, typer.Argument(help="An artifact made by bfx export.")],
    recipe: RecipeName = None,
    calibration: Calibration = "packaged",
    samples: Samples = CALIBRATION_SAMPLES,
    max_drop_db: MaxDrop = TRUTH_LOSS_DB,
    search: SearchName = None,
    seed: Seed = 0,
    weights: ArtifactWeights = None,
    scan: ScanForm = "cpu",
    output_dir: OutputDir = None,
    sensitivity: Sensitivity = False,
    skip_bad: SkipBad = False,
) -> CommandResult:
    """Quantize an artifact: fewer bits, calibrated on frames with carried states.

    Writes the quantized artifact, its manifest, a record of what each layer costs, and the samples
    used, which the same request uses again. Exit code 1 where the limit cannot be kept; the best
    reached is written all the same.
    """
    from bokehflow.atomic import output_folder, require_writable_folder
    from bokehflow.calibration.sample_making import SampleRequest
    from bokehflow.export import load_artifact
    from bokehflow.export.artifacts.replacing import other_weights
    from bokehflow.quantize import QuantizeConfig, check_request, quantized_place
    from bokehflow.quantize import quantize as quantize_artifact

    source = load_artifact(artifact)
    config = QuantizeConfig(recipe, max_drop_db, sensitivity, search)
    manifest = source.manifest
    place = quantized_place(source, check_request(source, config), output_dir)
    folder = place.parent
    request = SampleRequest(
        manifest.frame_size, manifest.network_size, calibration, samples, seed, skip_bad
    )
    replaced = other_weights(place, manifest)
    with output_folder(folder):
        require_writable_folder(folder)
        drawn, kept_at = _samples(source, request, weights, scan, folder)
        with progress_bar("quantizing", None) as advance:
            made = quantize_artifact(source, drawn, config, folder, advance)
    left_out = tuple(f"left out: {reason}" for reason in drawn.facts["left_out"])
    return CommandResult(
        {
            "met": made.met,
            "artifact": str(made.artifact.path),
            "record_file": str(made.record_path),
            "samples_file": str(kept_at),
            "record": made.record,
        },
        _text(made),
        exit_code=0 if made.met else 1,
        warnings=(
            *left_out,
            *untrained_warning(manifest.trained),
            *([replaced] if replaced else []),
        ),
    )


def _samples(
    source: Artifact, request: Any, weights: Path | None, scan: str, folder: Path
) -> tuple[SampleSet, Path]:
    """The calibration samples, made by the model that the artifact was exported from."""
    from bokehflow.calibration.sample_making import stored_samples
    from bokehflow.runtimes.reference import reference_network
    from bokehflow.scan import ScanConfig

    network, info = reference_network(source.manifest, weights, ScanConfig(scan))
    with progress_bar("drawing calibration samples", request.count) as advance:
        return stored_samples(request, network, info.sha256, folder, advance)


def _text(made: Quantized) -> str:
    record = made.record
    held = record["held_out"]
    limits = held["limits"]
    kept = f"{limits['max_drop_db']:g} dB lost and {limits['parity_db']:g} dB of parity"
    status = "ok" if made.met else f"FAILED: {kept} cannot be kept"
    row = (
        made.artifact.path,
        record["recipe"],
        f"{record['artifact']['bytes']:,} ({record['source']['bytes']:,} before)",
        f"{held['drop_db']:.2f}",
        f"{held['parity_db']:.1f}",
        len(record["quantized_layers"]),
        status,
    )
    otherwise = "8 bits" if record["quantized_layers"] else "float, on quantized weights"
    noisiest = [
        (layer["layer"], f"{layer['sqnr_db']:.1f}", "float" if layer["float"] else otherwise)
        for layer in record["layers"][:NOISIEST_SHOWN]
    ]
    parts = [text_table(COLUMNS, [row])]
    if noisiest:
        parts.append(text_table(("noisiest layers", "SQNR dB", "runs in"), noisiest))
    return "\n\n".join([*parts, f"record: {made.record_path}"])
