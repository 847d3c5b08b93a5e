"""One artifact on the photo film, frame by frame beside the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
import torch

from bokehflow.benchmarks.evaluation.depth_scores import DepthScore, mean_depth_score, score_depth
from bokehflow.benchmarks.evaluation.flicker import (
    Film,
    FlickerScore,
    mean_flicker,
    score_film,
)
from bokehflow.benchmarks.quality.metrics import Score, score
from bokehflow.benchmarks.quality.score_renderer import mean_score
from bokehflow.benchmarks.report.document import FilmScore
from bokehflow.benchmarks.report.film import FilmFrame, PhotoFilm, constant_flow
from bokehflow.benchmarks.report.recording import Output, Recording, play
from bokehflow.export import Manifest
from bokehflow.optics import Lens
from bokehflow.runtimes import Session
from bokehflow.runtimes.comparison import frame_difference
from bokehflow.specs import Size

SCORED_FRAMES = 4
"""Frames on which similarity and regions are taken, which cost more than running the frame."""

Keep = Callable[[int, Output], None]


def record(session: Session, manifest: Manifest, film: PhotoFilm, recording: Recording) -> None:
    """Run the reference over the film. Raises what `recording.play` raises."""
    seen = ((frame.image, frame.lens) for frame in film)
    for index, output in enumerate(play(session, manifest, seen)):
        recording.write(index, output)


def scored_frames(count: int) -> tuple[int, ...]:
    """Frames that are looked at closely: the first, the last and some evenly between."""
    places = np.linspace(0, count - 1, min(count, SCORED_FRAMES)).round()
    return tuple(int(place) for place in places)


def compare(
    session: Session,
    manifest: Manifest,
    film: PhotoFilm,
    reference: Recording,
    frames: int,
    scored: Sequence[int],
    keep: Keep,
) -> FilmScore:
    """Run an artifact over the first `frames` frames and score it against the reference.

    scored: frames that are looked at closely, at least one. keep: told every frame's number from 0
    and output. Raises what `recording.play` raises.
    """
    tally = _Tally(film.shots[0].size, scored)
    seen = ((frame.image, frame.lens) for frame in islice(film, frames))
    outputs = play(session, manifest, seen)
    for index, (frame, output) in enumerate(zip(islice(film, frames), outputs, strict=True)):
        tally.see(index, frame, reference.read(index), output)
        keep(index, output)
    return tally.result()


class _Tally:
    """Adds up one artifact's figures, a frame at a time."""

    def __init__(self, size: Size, scored: Sequence[int]) -> None:
        self._size, self._scored = size, tuple(scored)
        self._by_frame: list[tuple[float, float, float, float]] = []
        self._bokeh: list[Score] = []
        self._depth: list[DepthScore] = []
        self._flicker: list[FlickerScore] = []
        self._before: Output | None = None

    def see(self, index: int, frame: FilmFrame, expected: Output, found: Output) -> None:
        """One frame of both."""
        self._by_frame.append(
            (
                *frame_difference(expected.arrays(), found.arrays()),
                float(np.linalg.norm(found.state)),
            )
        )
        if index in self._scored:
            self._look_closely(frame.lens, expected, found)
        if frame.flow_px is not None and self._before is not None:
            self._flicker.append(_flicker(self._before, found, frame.flow_px, self._size))
        self._before = found

    def _look_closely(self, lens: Lens, expected: Output, found: Output) -> None:
        radius = lens.radius_px(expected.depth_m, self._size.width)
        self._bokeh.append(score(expected.bokeh, found.bokeh, radius))
        found_m, expected_m = found.depth_m[0, 0].numpy(), expected.depth_m[0, 0].numpy()
        depth = score_depth(expected_m, found_m, np.ones(expected_m.shape, dtype=bool))
        if depth is not None:
            self._depth.append(depth)

    def result(self) -> FilmScore:
        """The figures of all frames seen."""
        bokeh, depth, state, norm = zip(*self._by_frame, strict=True)
        return FilmScore(
            bokeh_psnr_db=bokeh,
            depth_sqnr_db=depth,
            state_sqnr_db=state,
            state_norm=norm,
            scored=self._scored,
            bokeh=mean_score(self._bokeh),
            depth=mean_depth_score(self._depth) if self._depth else None,
            flicker=mean_flicker(self._flicker) if self._flicker else None,
        )


def _flicker(before: Output, now: Output, flow_px: float, size: Size) -> FlickerScore:
    film = Film(
        torch.cat([before.bokeh, now.bokeh]),
        torch.cat([1.0 / before.depth_m, 1.0 / now.depth_m]),
    )
    return score_film(film, *constant_flow(flow_px, size))
