"""What a report says, as typed data: JSON, Markdown and the page are all made of this alone.

Every group of figures says how it came about: "measured" by running the engine, "estimated" by
other means than the engine (an evaluator that stands in for it), or "not run", with the reason.
"""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bokehflow.benchmarks.checks import Check, check_facts
from bokehflow.benchmarks.evaluation.depth_scores import DepthScore
from bokehflow.benchmarks.evaluation.flicker import FlickerScore
from bokehflow.benchmarks.quality.score_renderer import MeanScore
from bokehflow.benchmarks.report.recorded import Quantization
from bokehflow.benchmarks.report.slow_parts import SlowParts, Uncounted

SCHEMA = "bokehflow.report/1"
How = Literal["measured", "estimated", "not run"]


@dataclass(frozen=True, slots=True)
class ArtifactFacts:
    """What one row is about. bytes, sha256: None for the model in PyTorch itself.

    recipe: of the quantization, None for an artifact that was not quantized.
    """

    name: str
    target: str
    precision: str
    recipe: str | None
    bytes: int | None
    sha256: str | None
    scan: str
    network_size: str
    runtime: str
    version: str
    mode: str

    @property
    def kind(self) -> str:
        """Format, and the recipe or the precision."""
        return f"{self.target} {self.recipe or self.precision}"

    def label(self, number: int) -> str:
        """What charts and pictures call row `number`."""
        return f"#{number} {self.kind}"


@dataclass(frozen=True, slots=True)
class FilmScore:
    """One artifact on the photo film, state carried, against the reference frame by frame.

    bokeh_psnr_db, depth_sqnr_db (inverse depth), state_sqnr_db, state_norm: a number a frame.
    bokeh: means over the frames in `scored`, by region. depth: over those frames, the reference's
    depth for truth; None where it lies nowhere within the distances that are scored.
    flicker: None where no frame follows another of the same photo.
    """

    bokeh_psnr_db: tuple[float, ...]
    depth_sqnr_db: tuple[float, ...]
    state_sqnr_db: tuple[float, ...]
    state_norm: tuple[float, ...]
    scored: tuple[int, ...]
    bokeh: MeanScore
    depth: DepthScore | None
    flicker: FlickerScore | None

    @property
    def worst_bokeh_db(self) -> float:
        """The worst frame's PSNR on bokeh."""
        return min(self.bokeh_psnr_db)

    @property
    def mean_bokeh_db(self) -> float:
        """The mean PSNR on bokeh, of all frames."""
        return statistics.fmean(self.bokeh_psnr_db)


@dataclass(frozen=True, slots=True)
class TruthScore:
    """One artifact on clips with truth, each figure over those clips that hold its truth.

    bokeh: the last frame of each clip. depth: the same. flicker: of clips of several frames.
    """

    clips: int
    bokeh: MeanScore | None
    depth: DepthScore | None
    flicker: FlickerScore | None

    @property
    def is_whole(self) -> bool:
        """Whether some clip knew its bokeh and some its depth, which bars are set for."""
        return self.bokeh is not None and self.depth is not None


@dataclass(frozen=True, slots=True)
class Latency:
    """Time and memory of one frame, in a process of its own.

    time_ratio: this artifact's median time over that of the float32 artifact of the same runtime,
    median over `rounds` in which both were measured one after the other; None without such a twin.
    where: machine, threads and rounds, in words. failed: it was to be measured and went wrong.
    """

    how: How
    reason: str | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None
    process_peak_bytes: int | None = None
    model_peak_bytes: int | None = None
    time_ratio: float | None = None
    where: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class RowReport:
    """One artifact. number: from 1, as in the charts. film, truth: None where not run.

    how: of film and truth. reason: why something is estimated or was not run. slow_parts: of
    quantized OpenVINO artifacts beside a float32 one, None for others and where not asked. failed:
    it was to run here and went wrong.
    """

    number: int
    artifact: ArtifactFacts
    is_reference: bool
    how: How
    reason: str | None
    film: FilmScore | None
    truth: TruthScore | None
    latency: Latency
    quantization: Quantization | None
    checks: tuple[Check, ...]
    slow_parts: SlowParts | Uncounted | None = None
    failed: bool = False

    @property
    def short_name(self) -> str:
        """What charts and pictures call it."""
        return self.artifact.label(self.number)

    @property
    def status(self) -> str:
        """How it went, in a few words."""
        if self.failed:
            return f"failed: {self.reason}"
        if self.how == "not run":
            return f"not run: {self.reason}"
        if self.is_reference:
            return "reference"
        missed = [check.name for check in self.checks if check.holds is False]
        verdict = f"misses {'; '.join(missed)}" if missed else "ok"
        return verdict if self.reason is None else f"{verdict}; {self.how}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ShotFacts:
    """One photo of the film: how many frames a window moved over it, and through which lens."""

    photo: str
    frames: int
    lens: str
    pan_px: float


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """The clips with truth: where they came from, what each shows, and what could not be read."""

    origin: str
    clips: tuple[str, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The whole report. date: the day (UTC) of measuring. reference: what rows are compared with.

    settings: how many frames, clips at most, and rounds. environment: machine, versions, commit.
    """

    date: str
    variant: str
    trained: bool
    weights_sha256: str
    canonical_fov_deg: float
    frame_size: str
    reference: str
    film: tuple[ShotFacts, ...]
    clips: ClipFacts
    rows: tuple[RowReport, ...]
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """The report as JSON holds it, with `schema`, every row's status and checks, and what its
        parts say."""
        plain = dataclasses.asdict(self)
        for row, facts in zip(self.rows, plain["rows"], strict=True):
            facts["status"] = row.status
            facts["checks"] = [check_facts(check) for check in row.checks]
            if row.slow_parts is not None:
                facts["slow_parts"]["sentence"] = row.slow_parts.sentence
        return {"schema": SCHEMA, **plain}

    @property
    def slow_parts(self) -> list[str]:
        """What makes each quantized OpenVINO artifact slow or fast, in words."""
        return [
            f"{row.short_name}: {row.slow_parts.sentence}"
            for row in self.rows
            if row.slow_parts is not None
        ]

    @property
    def unjudged(self) -> list[str]:
        """Every row that is held to no bar of accuracy, as it was not run, in words; every
        quantized one that is held to none against truth, of which it or the reference was not shown
        bokeh and depth; and that there is nothing beside the reference.
        """
        absent = [row for row in self.rows if row.how == "not run" and not row.failed]
        known = all(_knows_truth(row) for row in self.rows if row.is_reference)
        alone = ["the reference alone was run"] if len(self.rows) == 1 else []
        blind = [
            row
            for row in self.rows
            if row.film is not None
            and row.artifact.recipe is not None
            and not (known and _knows_truth(row))
        ]
        return [
            *alone,
            *(f"{row.short_name}: {row.status}" for row in absent),
            *(f"{row.short_name}: not compared with the reference against truth" for row in blind),
        ]

    @property
    def missed(self) -> list[str]:
        """Every bar that a row misses, and what of a row failed, in words."""
        failed = [f"{row.short_name}: failed" for row in self.rows if row.failed]
        failed += [f"{row.short_name}: its time" for row in self.rows if row.latency.failed]
        return failed + [
            f"{row.short_name}: {check.name} {check.found:.4g}"
            for row in self.rows
            for check in row.checks
            if check.holds is False
        ]


def _knows_truth(row: RowReport) -> bool:
    return row.truth is not None and row.truth.is_whole
