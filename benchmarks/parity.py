"""Does an exported artifact compute what the model computes? Frame by frame, state carried."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from bokehflow.export import Artifact, Manifest, Parity
from bokehflow.export.artifacts.manifest import Mode
from bokehflow.optics import Lens
from bokehflow.runtimes import Session, open_session
from bokehflow.runtimes.carried_state import Playback, require_finite
from bokehflow.runtimes.comparison import frame_difference, rounded_down

PARITY_LENSES = (
    Lens(focal_length_mm=35.0, f_number=2.0, focus_m=0.8),
    Lens(focal_length_mm=50.0, f_number=1.8, focus_m=1e6),
    Lens(focal_length_mm=50.0, f_number=1.8, focus_m=3.0),
    Lens(focal_length_mm=105.0, f_number=2.8, focus_m=0.31),
)
"""Focused near, at infinity as a camera writes it, at arm's length and more, and at life size."""


@dataclass(frozen=True, slots=True)
class ParityReport:
    """An artifact against the reference. One number a frame in each tuple; decibels, milliseconds.

    artifact, file_bytes: what was given, packed or not, and its size.
    bokeh_psnr_db: peak 1. depth_sqnr_db: signal to error of inverse depth. state_sqnr_db: of the
    carried scan state. reached: whether the worst frame's bokeh meets `bar_db`.
    """

    artifact: Path
    file_bytes: int
    manifest: Manifest
    runtime: str
    mode: Mode
    bokeh_psnr_db: tuple[float, ...]
    depth_sqnr_db: tuple[float, ...]
    state_sqnr_db: tuple[float, ...]
    frame_ms: tuple[float, ...]
    bar_db: float

    @property
    def worst_bokeh_db(self) -> float:
        """The worst frame's PSNR on bokeh."""
        return min(self.bokeh_psnr_db)

    @property
    def reached(self) -> bool:
        """Whether the worst frame meets the bar."""
        return self.worst_bokeh_db >= self.bar_db


def check_parity(artifact: Artifact, frames: Iterable[Tensor], reference: Session) -> ParityReport:
    """Run the artifact and the reference over the same frames, each carrying its own state.

    frames: [1, 3, H, W], sRGB 0..1, of the artifact's size; PARITY_LENSES are taken in turn.
    Raises NumericalError for an output that is not finite.
    """
    manifest = artifact.manifest
    test = open_session(artifact)
    expecting, testing = Playback(manifest, reference), Playback(manifest, test)
    scores: list[tuple[float, float, float, float]] = []
    for index, frame in enumerate(frames):
        lens = PARITY_LENSES[index % len(PARITY_LENSES)]
        expected = expecting.show(frame.numpy(), lens)
        runs, started = testing.runs, time.perf_counter()
        found = testing.show(frame.numpy(), lens)
        elapsed_ms = (time.perf_counter() - started) * 1e3 / runs
        require_finite(found, f"{artifact.given}, frame {index + 1}")
        scores.append((*frame_difference(expected, found), elapsed_ms))
    bokeh, depth, state, frame_ms = zip(*scores, strict=True)
    return ParityReport(
        artifact.given,
        artifact.file_bytes,
        manifest,
        test.info.runtime,
        test.info.mode,
        bokeh,
        depth,
        state,
        frame_ms,
        manifest.budget.parity_db,
    )


def record_parity(artifact: Artifact, report: ParityReport) -> Artifact:
    """Write what was measured into the artifact's manifest."""
    return artifact.with_parity(
        Parity(
            frames=len(report.bokeh_psnr_db),
            bokeh_psnr_db=rounded_down(report.worst_bokeh_db),
            depth_sqnr_db=rounded_down(min(report.depth_sqnr_db)),
            runtime=report.runtime,
            mode=report.mode,
        )
    )
