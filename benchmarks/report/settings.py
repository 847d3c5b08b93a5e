"""What a report is asked to measure, checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bokehflow.defaults import EVALUATED_FILM_FRAMES, FILM_FRAMES, REPORT_CLIPS, TIMING_ROUNDS
from bokehflow.errors import UsageError


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """What to compare and on what.

    artifacts: files made by bfx export or bfx quantize. reference: one of that kind, None for the
    first in float32. weights: of the model in PyTorch, used where no artifact is in float32.
    data: held-out clips lie under it, None makes some. images: photos for the film, None takes the
    packaged pair. frames: of the film. clips: most clips of each source under `data`.
    evaluated_frames: of the film, for what a stand-in evaluates far more slowly than its engine.
    latency: a record of bfx benchmark, in place of timing here. measure, rounds: whether and how
    often to time here. Raises UsageError for numbers below their least.
    """

    artifacts: tuple[Path, ...]
    reference: Path | None = None
    weights: Path | None = None
    data: Path | None = None
    images: Path | None = None
    frames: int = FILM_FRAMES
    clips: int = REPORT_CLIPS
    evaluated_frames: int = EVALUATED_FILM_FRAMES
    latency: Path | None = None
    measure: bool = True
    rounds: int = TIMING_ROUNDS
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if not self.artifacts:
            raise UsageError("no artifact", "at least one")
        for name in ("frames", "clips", "evaluated_frames", "rounds"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name}={getattr(self, name)}", "at least 1")
