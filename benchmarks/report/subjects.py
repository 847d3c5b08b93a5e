"""What a report is about: artifacts that can be compared, and which of them is the reference."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bokehflow.benchmarks.latency.record import COMPUTED, artifact_facts
from bokehflow.benchmarks.report.document import ArtifactFacts
from bokehflow.benchmarks.report.quantization import recipe_of
from bokehflow.errors import UsageError
from bokehflow.export import Artifact, Manifest, load_artifact
from bokehflow.runtimes import Session, open_session, runtime_of
from bokehflow.runtimes.reference import reference_session

TORCH = "torch"


@dataclass(frozen=True, slots=True)
class Subject:
    """One row: an artifact, or the model in PyTorch (artifact None) at an artifact's sizes.

    open: a session of it. manifest: of the artifact, or of the one whose sizes are taken.
    """

    manifest: Manifest
    artifact: Artifact | None
    open: Callable[[], Session]

    def facts(self, version: str, mode: str) -> ArtifactFacts:
        """What the row is about. version: of the runtime; mode: how it ran."""
        manifest, artifact = self.manifest, self.artifact
        return ArtifactFacts(
            name=artifact.given.name if artifact else f"{manifest.variant} in PyTorch",
            target=manifest.target if artifact else TORCH,
            precision=manifest.precision if artifact else "fp32",
            recipe=recipe_of(artifact) if artifact else None,
            bytes=artifact.file_bytes if artifact else None,
            sha256=manifest.artifact_sha256 if artifact else None,
            scan=manifest.lowering if artifact else "chunked",
            network_size=str(manifest.network_size),
            runtime=runtime_of(manifest.target) if artifact else TORCH,
            version=version,
            mode=mode,
        )


def choose_subjects(
    paths: Sequence[Path], reference: Path | None, weights: Path | None
) -> list[Subject]:
    """The rows, the reference first and then the artifacts in the order given.

    reference: an artifact; None takes the first in float32 that runs here, or the model in PyTorch
    where there is none. weights: of that model, None for those that ship. Raises ArtifactError for
    what is no artifact, and UsageError for artifacts of other weights, sizes or settings and for
    weights where that model is not asked.
    """
    artifacts = [load_artifact(path) for path in paths]
    chosen = load_artifact(reference) if reference is not None else first_float32(artifacts)
    first = chosen or artifacts[0]
    for artifact in artifacts:
        _require_comparable(first, artifact)
    if chosen is not None and weights is not None:
        raise UsageError(
            f"--weights {weights}, and {chosen.given.name} is the reference",
            "weights of the model in PyTorch, the reference where no artifact is in float32",
            "leave --weights out",
        )
    if chosen is None:
        manifest = first.manifest
        head = Subject(manifest, None, lambda: reference_session(manifest, weights))
        return [head, *(_subject(artifact) for artifact in artifacts)]
    others = [artifact for artifact in artifacts if artifact.given != chosen.given]
    return [_subject(artifact) for artifact in (chosen, *others)]


def _subject(artifact: Artifact) -> Subject:
    return Subject(artifact.manifest, artifact, lambda: open_session(artifact))


def first_float32(artifacts: Sequence[Artifact]) -> Artifact | None:
    """The first whose engine runs here: what an evaluator computes is not judged against truth."""
    exact = (artifact for artifact in artifacts if artifact.manifest.precision == "fp32")
    return next((artifact for artifact in exact if _runs_here(artifact.manifest.target)), None)


def _runs_here(target: str) -> bool:
    if target == "coreml":
        return sys.platform == "darwin"
    return importlib.util.find_spec(runtime_of(target)) is not None


def _require_comparable(first: Artifact, other: Artifact) -> None:
    wanted, found = (_settings(one.manifest) for one in (first, other))
    for what in wanted:
        if wanted[what] != found[what]:
            raise UsageError(
                f"{other.given.name} has {what} {found[what]}",
                f"{wanted[what]}, as {first.given.name} has",
                "compare artifacts of one model, of the same sizes and settings",
            )


def _settings(manifest: Manifest) -> dict[str, object]:
    """What an artifact is to compute, and so must be that of the reference, value by value."""
    facts = artifact_facts(manifest)
    settings: dict[str, object] = {}
    for name in COMPUTED:
        if isinstance(facts[name], dict):
            settings |= {f"{name}.{part}": value for part, value in facts[name].items()}
        else:
            settings[name] = facts[name]
    return settings
