"""Score pictures that some program rendered from scenes written to disk."""

from __future__ import annotations

from pathlib import Path

from bokehflow.benchmarks.quality.metrics import Score, score
from bokehflow.benchmarks.quality.score_renderer import mean_score
from bokehflow.benchmarks.tables import Table, fixed
from bokehflow.calibration.scene_files import find_scenes, read_scene
from bokehflow.errors import SizeError
from bokehflow.media import read_photo
from bokehflow.specs import Size

RENDERED = "bokeh.png"


def score_files(folder: Path) -> dict[str, Score]:
    """Score `<folder>/<scene>/bokeh.png` of every scene in a folder, by scene name.

    Raises InputError for a missing or damaged file and SizeError for a picture of another size.
    """
    scores = {}
    for place in find_scenes(folder):
        scene = read_scene(place)
        path = place / RENDERED
        picture = read_photo(path)
        if picture.shape != scene.truth.shape:
            found, wanted = (Size(*x.shape[2:]) for x in (picture, scene.truth))
            raise SizeError(f"{path} is {found}", f"{wanted}, as the truth", "render frame.png")
        scores[scene.name] = score(scene.truth, picture, scene.radius_px)
    return scores


def file_score_table(scores: dict[str, Score]) -> Table:
    """One row a scene and one for their mean."""
    rows = [(name, *_cells(mean_of)) for name, mean_of in _rows(scores)]
    return Table("Pictures read from files", ("PSNR dB", "overall", "edge band", "in focus"), rows)


def _rows(scores: dict[str, Score]) -> list[tuple[str, list[Score]]]:
    return [*((name, [one]) for name, one in scores.items()), ("mean", list(scores.values()))]


def _cells(scores: list[Score]) -> tuple[str, ...]:
    mean = mean_score(scores)
    figures = (mean.overall_psnr_db, mean.edge_psnr_db, mean.in_focus_psnr_db)
    return tuple(fixed(value, 2) for value in figures)
