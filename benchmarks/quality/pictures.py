"""Before and after, for people: each scene sharp, as a renderer made it, and as it should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bokehflow.atomic import make_folder
from bokehflow.benchmarks.quality.renderers import NO_BLUR, Renderer
from bokehflow.calibration.scenes import Scene
from bokehflow.media import write_photo


def write_pictures(
    scenes: Sequence[Scene], renderers: Mapping[str, Renderer], folder: Path
) -> list[Path]:
    """Write `<scene>-before.jpg`, `<scene>-truth.jpg` and `<scene>-<renderer>.jpg`.

    Spaces in a renderer's name become hyphens; "no blur" is the picture before. Raises OutputError
    where `folder` cannot be written.
    """
    make_folder(folder)
    written = []
    for scene in scenes:
        pictures = {"before": scene.frame, "truth": scene.truth}
        for name, renderer in renderers.items():
            if name == NO_BLUR:
                continue
            picture = renderer(scene.frame, scene.depth_m, scene.lens, scene.aperture)
            pictures[name.replace(" ", "-")] = picture
        for name, picture in pictures.items():
            path = folder / f"{scene.name}-{name}.jpg"
            write_photo(path, picture)
            written.append(path)
    return written
