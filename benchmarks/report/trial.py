"""One subject on the film and on the clips: what it scored, or why it could not be run."""

from __future__ import annotations

from dataclasses import dataclass

from bokehflow.benchmarks.report.against_reference import compare, record, scored_frames
from bokehflow.benchmarks.report.against_truth import judge
from bokehflow.benchmarks.report.document import ArtifactFacts, FilmScore, How, TruthScore
from bokehflow.benchmarks.report.film import PhotoFilm
from bokehflow.benchmarks.report.gallery import Gallery
from bokehflow.benchmarks.report.recording import Recording
from bokehflow.benchmarks.report.subjects import Subject
from bokehflow.benchmarks.report.truth_clips import ClipSource
from bokehflow.benchmarks.tables import NOT_RUN
from bokehflow.errors import BokehFlowError, MissingDependencyError
from bokehflow.runtimes import Session


@dataclass(frozen=True, slots=True)
class Trial:
    """What one subject scored. film, truth: None where not run; reason says why.

    failed: it went wrong, where others are not run because their engine is not here.
    """

    number: int
    subject: Subject
    facts: ArtifactFacts
    how: How
    reason: str | None
    film: FilmScore | None
    truth: TruthScore | None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Bench:
    """What every subject is shown. reference: outputs on the film, once they are recorded.

    evaluated_frames: of the film, for what an evaluator computes in the engine's stead.
    """

    film: PhotoFilm
    clips: ClipSource
    reference: Recording
    evaluated_frames: int

    def record_reference(self, subject: Subject) -> None:
        """Run the reference over the film. Raises what its session raises."""
        record(subject.open(), subject.manifest, self.film, self.reference)

    def trial(self, number: int, subject: Subject, gallery: Gallery) -> Trial:
        """Run one subject over everything. What cannot run here is told in the result.

        number: in the report, from 1, which is the reference. gallery: gets its pictures.
        """
        try:
            session = subject.open()
            return self._run(number, subject, session, gallery)
        except BokehFlowError as error:
            if number == 1:
                raise
            facts = subject.facts("", NOT_RUN)
            failed = not isinstance(error, MissingDependencyError)
            return Trial(number, subject, facts, "not run", str(error), None, None, failed)

    def _run(self, number: int, subject: Subject, session: Session, gallery: Gallery) -> Trial:
        info, manifest = session.info, subject.manifest
        facts = subject.facts(info.version, info.mode)
        label = facts.label(number)
        executed = info.mode == "executed"
        frames = len(self.film) if executed else min(self.evaluated_frames, len(self.film))
        film = compare(
            session,
            manifest,
            self.film,
            self.reference,
            frames,
            # The reference is equal to itself: once is enough.
            scored_frames(frames if number > 1 else 1),
            lambda index, output: gallery.film_frame(index, label, output.bokeh),
        )
        how: How = "measured" if executed else "estimated"
        reason = None if executed else self._why_estimated(facts.version, frames)
        truth = None
        if frames == len(self.film):
            truth = judge(
                session,
                manifest,
                self.clips,
                lambda clip, output: gallery.clip_frame(clip, label, output.bokeh),
            )
        return Trial(number, subject, facts, how, reason, film, truth)

    def _why_estimated(self, version: str, frames: int) -> str:
        whole = frames == len(self.film)
        part = "" if whole else f", {frames} of {len(self.film)} frames, not against truth"
        return f"by {version}, not by its engine{part}"
