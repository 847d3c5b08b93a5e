"""Which pictures a report shows: the last frame of the first two shots, and one clip with truth."""

from __future__ import annotations

from itertools import accumulate

from torch import Tensor

from bokehflow.benchmarks.report.film import FilmFrame, PhotoFilm
from bokehflow.benchmarks.report.pictures import (
    FILM_HEAT_LEVELS,
    SHARP,
    TRUTH,
    TRUTH_HEAT_LEVELS,
    Scene,
)
from bokehflow.benchmarks.report.truth_clips import TruthClip
from bokehflow.benchmarks.tables import significant
from bokehflow.optics import Lens

SHOTS_SHOWN = 2


class Gallery:
    """Collects pictures as they are made. Whoever comes first in a shot is its measure."""

    def __init__(self, film: PhotoFilm) -> None:
        ends = [end - 1 for end in accumulate(shot.frames for shot in film.shots)][:SHOTS_SHOWN]
        self._shown: dict[int, FilmFrame] = {i: frame for i, frame in enumerate(film) if i in ends}
        self._captions = {
            index: f"{shot.name}, frame {index + 1} of {len(film)}"
            for index, shot in zip(ends, film.shots, strict=False)
        }
        self._film: dict[int, Scene] = {}
        self._clip: tuple[str, Scene] | None = None

    @property
    def scenes(self) -> list[Scene]:
        """Every frame that is shown."""
        clips = [] if self._clip is None else [self._clip[1]]
        return [*(self._film[index] for index in sorted(self._film)), *clips]

    def film_frame(self, index: int, label: str, bokeh: Tensor) -> None:
        """Frame `index` of the film as one row made it, [1, 3, H, W]."""
        if index not in self._shown:
            return
        frame = self._shown[index]
        if index not in self._film:
            caption = f"{self._captions[index]}, {lens_words(frame.lens)}"
            scene = Scene(caption, label, bokeh, FILM_HEAT_LEVELS)
            scene.add(SHARP, frame.image)
            self._film[index] = scene
        self._film[index].add(label, bokeh)

    def clip_frame(self, clip: TruthClip, label: str, bokeh: Tensor) -> None:
        """The last frame of a clip as one row made it, [1, 3, H, W]."""
        if "bokeh" not in clip.known or (self._clip and self._clip[0] != clip.name):
            return
        if self._clip is None:
            truth = clip.bokeh[-1:]
            scene = Scene(f"{clip.name}, {lens_words(clip.lens)}", TRUTH, truth, TRUTH_HEAT_LEVELS)
            scene.add(SHARP, clip.frames[-1:])
            scene.add(TRUTH, truth)
            self._clip = clip.name, scene
        self._clip[1].add(label, bokeh)


def lens_words(lens: Lens) -> str:
    """A lens as a photographer would say it."""
    length, stop, focus_m = map(significant, (lens.focal_length_mm, lens.f_number, lens.focus_m))
    return f"{length} mm f/{stop} focused at {focus_m} m"
