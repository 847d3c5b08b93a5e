"""`bfx quality`: the renderer against exact thin-lens truth, beside plain baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bokehflow.cli.command_result import CommandResult
from bokehflow.cli.common_options import FrameSize
from bokehflow.cli.given import given_names, require_alone
from bokehflow.cli.results import (
    require_folder,
    require_results_folder,
    tables_text,
)
from bokehflow.cli.terminal import progress_bar
from bokehflow.defaults import QUALITY_SIZE_PX
from bokehflow.errors import UsageError
from bokehflow.specs import Size

if TYPE_CHECKING:
    from bokehflow.benchmarks.quality.run import QualityConfig

DEFAULT_SEED = 0
DEFAULT_SIZE = str(Size(*QUALITY_SIZE_PX))
NAME = "quality"
"""Of the result files."""

Seed = Annotated[int, typer.Option(min=0, help="Seed of the scenes.")]
Scenes = Annotated[
    str,
    typer.Option(
        metavar="KIND,KIND", help="Kinds of scenes; all but the ray-traced ones when left out."
    ),
]
Renderer = Annotated[
    str, typer.Option(metavar="NAME,NAME", help='Rows of the table; "no blur" is always one.')
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="DIR", help=f"Write {NAME}.json and {NAME}.md there."),
]
Pictures = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write before, after and truth as JPEG there.")
]
WriteScenes = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Only write the scenes there: frame.png, depth.npy, truth.png and lens.json of each.",
    ),
]
ScoreFiles = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Only score bokeh.png in each scene that --write-scenes wrote there."
    ),
]


def quality(
    seed: Seed = DEFAULT_SEED,
    scenes: Scenes = "",
    size: FrameSize = DEFAULT_SIZE,
    renderer: Renderer = "",
    output: Output = None,
    pictures: Pictures = None,
    write_scenes: WriteScenes = None,
    score_files: ScoreFiles = None,
) -> CommandResult:
    """Measure the renderer against exact thin-lens truth.

    Every renderer gets a row: PSNR and SSIM overall, at depth edges, in focus and elsewhere, step
    edges, light kept, and what imperfect depth costs. Exit code 1 when a promised bar is missed.
    """
    from bokehflow.benchmarks.quality.run import QualityConfig

    measuring = {
        "--renderer": renderer != "",
        "--output": output is not None,
        "--pictures": pictures is not None,
    }
    making = {
        "--seed": seed != DEFAULT_SEED,
        "--scenes": scenes != "",
        "--size": size != DEFAULT_SIZE,
        "--write-scenes": write_scenes is not None,
    }
    if score_files is not None:
        require_alone("--score-files", given_names(making | measuring))
        return _score_files(score_files)
    frame = Size.parse(size)
    kinds, names = _names("--scenes", scenes), _names("--renderer", renderer)
    config = QualityConfig(seed, kinds, names, frame.height, frame.width)
    if write_scenes is not None:
        require_alone("--write-scenes", given_names(measuring))
        return _write_scenes(config, write_scenes)
    return _measure(config, output, pictures)


def _names(option: str, text: str) -> tuple[str, ...]:
    """The names in a comma-separated list; none where nothing was given. Raises UsageError for a
    list without any, which would else mean all."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if text and not names:
        raise UsageError(f"{option} {text!r} names nothing", "at least one name", "or leave it out")
    return names


def _measure(config: QualityConfig, output: Path | None, pictures: Path | None) -> CommandResult:
    """Build the scenes, measure every renderer, write what was asked for."""
    from bokehflow.benchmarks.quality.bars import check_bars
    from bokehflow.benchmarks.quality.pictures import write_pictures
    from bokehflow.benchmarks.quality.renderers import choose_renderers
    from bokehflow.benchmarks.quality.report import quality_document
    from bokehflow.benchmarks.quality.run import benchmark_scenes, measure_renderers
    from bokehflow.benchmarks.quality.tables import all_tables
    from bokehflow.benchmarks.results_file import write_results

    renderers = choose_renderers(config.renderers)
    if output is not None:
        require_results_folder(output, NAME)
    if pictures is not None:
        require_folder(pictures, "before.jpg")
    with progress_bar("scenes", len(config.scene_kinds)) as advance:
        built = benchmark_scenes(config, advance)
    with progress_bar("renderers", len(renderers)) as advance:
        reports = measure_renderers(config, built, advance)
    checks = check_bars(config, reports)
    document, tables = quality_document(config, reports, checks), all_tables(reports, checks)
    if output is not None:
        write_results(output, NAME, document, tables)
    if pictures is not None:
        write_pictures(built, renderers, pictures)
    missed = any(check.holds is False for check in checks)
    return CommandResult(document, tables_text(tables), int(missed))


def _write_scenes(config: QualityConfig, folder: Path) -> CommandResult:
    from bokehflow.benchmarks.quality.run import benchmark_scenes
    from bokehflow.calibration.scene_files import FRAME, write_scene

    require_folder(folder, FRAME)
    with progress_bar("scenes", len(config.scene_kinds)) as advance:
        built = benchmark_scenes(config, advance)
    places = [write_scene(scene, folder) for scene in built]
    return CommandResult({"scenes": places}, "\n".join(str(place) for place in places))


def _score_files(folder: Path) -> CommandResult:
    from dataclasses import asdict

    from bokehflow.benchmarks.quality.score_files import file_score_table, score_files

    scores = score_files(folder)
    document = {"scenes": {name: asdict(one) for name, one in scores.items()}}
    return CommandResult(document, tables_text([file_score_table(scores)]))
