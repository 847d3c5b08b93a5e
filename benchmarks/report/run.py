"""The whole of `bfx report` but the files: what is asked, what is there, what came out."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bokehflow.benchmarks.environment import describe_environment
from bokehflow.benchmarks.latency.host import ThisMachine
from bokehflow.benchmarks.quality.metrics import require_scored_size
from bokehflow.benchmarks.report.bars import check_bars
from bokehflow.benchmarks.report.count_parts import find_pair, try_to_count
from bokehflow.benchmarks.report.document import Latency, Report, RowReport, ShotFacts
from bokehflow.benchmarks.report.film import PhotoFilm, photo_film
from bokehflow.benchmarks.report.gallery import Gallery, lens_words
from bokehflow.benchmarks.report.latency import (
    NOT_ASKED,
    NOT_EXPORTED,
    Round,
    latency_of,
    measure_rounds,
    read_latency,
)
from bokehflow.benchmarks.report.pictures import Scene
from bokehflow.benchmarks.report.quantization import quantization_of
from bokehflow.benchmarks.report.recorded import Quantization
from bokehflow.benchmarks.report.recording import Recording
from bokehflow.benchmarks.report.settings import ReportConfig
from bokehflow.benchmarks.report.slow_parts import SlowParts, Uncounted
from bokehflow.benchmarks.report.subjects import Subject, choose_subjects
from bokehflow.benchmarks.report.trial import Bench, Trial
from bokehflow.benchmarks.report.truth_clips import ClipSource, clip_source
from bokehflow.export import Artifact
from bokehflow.temporary import temporary_folder

PACKAGES = ("bokehflow", "numpy", "torch", "onnxruntime", "openvino", "coremltools", "nncf")


@dataclass(frozen=True, slots=True)
class Plan:
    """A report that can begin: everything it needs has been found.

    quantizations: what was recorded of each subject. rounds: of a latency record, empty where time
    is measured here or not at all.
    """

    config: ReportConfig
    subjects: Sequence[Subject]
    quantizations: Sequence[Quantization | None]
    film: PhotoFilm
    clips: ClipSource
    rounds: Sequence[Round]
    where: str

    @property
    def steps(self) -> int:
        """How often the progress advances."""
        timed = self.config.rounds * len(self.exported) if self.measures else 0
        # The reference is run before the others, and whatever is a pair is counted.
        return 1 + 2 * len(self.subjects) + timed

    @property
    def measures(self) -> bool:
        """Whether time is measured here."""
        return self.config.measure and self.config.latency is None

    @property
    def exported(self) -> list[Artifact]:
        """The subjects that are artifacts."""
        return [subject.artifact for subject in self.subjects if subject.artifact is not None]


def prepare(config: ReportConfig) -> Plan:
    """Open artifacts with their records, photos, clips and the latency record.

    Raises SizeError for frames too small to be scored, and what `choose_subjects`,
    `quantization_of`, `photo_film`, `clip_source` and `read_latency` raise.
    """
    subjects = choose_subjects(config.artifacts, config.reference, config.weights)
    manifest = subjects[0].manifest
    size = manifest.frame_size
    require_scored_size(size.height, size.width)
    rounds, where = read_latency(config.latency) if config.latency else ([], "")
    return Plan(
        config,
        subjects,
        [quantization_of(each.artifact) if each.artifact else None for each in subjects],
        photo_film(size, config.frames, config.images),
        clip_source(
            size,
            manifest.canonical_fov_deg,
            config.data,
            config.clips,
            skip_bad=config.skip_bad,
        ),
        rounds,
        where,
    )


def run(plan: Plan, advance: Callable[[], None]) -> tuple[Report, list[Scene]]:
    """Measure everything; `advance` is called `plan.steps` times.

    Returns the report and its pictures. Raises what goes wrong with the reference; another
    artifact that cannot run here is a row with its reason.
    """
    gallery = Gallery(plan.film)
    with temporary_folder() as folder:
        bench = Bench(plan.film, plan.clips, Recording(folder), plan.config.evaluated_frames)
        bench.record_reference(plan.subjects[0])
        advance()
        trials = []
        for number, subject in enumerate(plan.subjects, start=1):
            trials.append(bench.trial(number, subject, gallery))
            advance()
    latencies = _latencies(plan, trials, advance)
    rows = []
    for trial, latency, recorded in zip(trials, latencies, plan.quantizations, strict=True):
        slow_parts = _slow_parts(plan, trials, trial, latency)
        rows.append(_row(trial, trials[0], latency, recorded, slow_parts))
        advance()
    return _report(plan, rows), gallery.scenes


def _latencies(plan: Plan, trials: Sequence[Trial], advance: Callable[[], None]) -> list[Latency]:
    """Of every trial. What did not run is not measured either, for the same reason."""
    rounds, where = plan.rounds, plan.where
    if plan.measures:
        ran = [t.subject.artifact for t in trials if t.subject.artifact and t.how != "not run"]
        rounds, where = measure_rounds(ran, plan.config.rounds, ThisMachine(), advance)
        for _ in range(plan.config.rounds * (len(plan.exported) - len(ran))):
            advance()
    found = []
    for trial in trials:
        artifact = trial.subject.artifact
        if artifact is None:
            found.append(NOT_EXPORTED)
        elif plan.measures and trial.how == "not run":
            found.append(Latency("not run", trial.reason))
        elif not rounds:
            found.append(NOT_ASKED)
        else:
            found.append(latency_of(artifact, rounds, where))
    return found


def _slow_parts(
    plan: Plan, trials: Sequence[Trial], trial: Trial, latency: Latency
) -> SlowParts | Uncounted | None:
    """What of a quantized artifact is slow, where time is measured here and both could run."""
    if not plan.measures or trial.how == "not run":
        return None
    ran = [other.subject.artifact for other in trials if other.how != "not run"]
    pair = find_pair(trial.subject.artifact, [artifact for artifact in ran if artifact])
    return None if pair is None else try_to_count(pair, latency.time_ratio)


def _row(
    trial: Trial,
    reference: Trial,
    latency: Latency,
    recorded: Quantization | None,
    slow_parts: SlowParts | Uncounted | None,
) -> RowReport:
    subject = trial.subject
    truths = (trial.truth, reference.truth)
    return RowReport(
        number=trial.number,
        artifact=trial.facts,
        is_reference=trial is reference,
        how=trial.how,
        reason=trial.reason,
        film=trial.film,
        truth=trial.truth,
        latency=latency,
        quantization=recorded,
        checks=()
        if trial is reference
        else check_bars(subject.manifest, trial.facts.bytes, trial.film, truths, latency),
        slow_parts=slow_parts,
        failed=trial.failed,
    )


def _report(plan: Plan, rows: Sequence[RowReport]) -> Report:
    manifest, config = plan.subjects[0].manifest, plan.config
    return Report(
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        variant=manifest.variant,
        trained=manifest.trained,
        weights_sha256=manifest.weights_sha256,
        canonical_fov_deg=manifest.canonical_fov_deg,
        frame_size=str(manifest.frame_size),
        reference=rows[0].artifact.name,
        film=tuple(
            ShotFacts(shot.name, shot.frames, lens_words(shot.lens), round(shot.pan_px, 3))
            for shot in plan.film.shots
        ),
        clips=plan.clips.facts,
        rows=tuple(rows),
        settings={
            "frames": config.frames,
            "evaluated_frames": config.evaluated_frames,
            "clips": config.clips,
            "rounds": config.rounds if plan.measures else None,
        },
        environment=describe_environment(PACKAGES),
    )
