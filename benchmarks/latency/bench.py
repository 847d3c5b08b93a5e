"""The whole of `bfx benchmark`: checked first, then measured one artifact at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bokehflow.benchmarks.latency.host import Host
from bokehflow.benchmarks.latency.record import artifact_row
from bokehflow.benchmarks.latency.run import Subject, measure
from bokehflow.benchmarks.latency.settings import (
    Settings,
    check_arguments,
    check_threads,
    choose_runtime,
)
from bokehflow.export import Artifact, load_artifact


def plan(
    paths: Sequence[Path], runtime: str | None, settings: Settings
) -> list[tuple[Artifact, str]]:
    """The artifacts and their runtimes, everything checked before anything runs.

    Raises ArtifactError, UnknownNameError or UsageError.
    """
    planned = []
    for path in paths:
        artifact = load_artifact(path)
        chosen = choose_runtime(artifact.manifest.target, runtime)
        check_arguments(chosen, settings.arguments)
        check_threads(chosen, settings.threads)
        planned.append((artifact, chosen))
    return planned


def benchmark_artifacts(
    planned: Sequence[tuple[Artifact, str]],
    settings: Settings,
    host: Host,
    advance: Callable[[], None],
) -> Iterator[dict[str, Any]]:
    """The row of every artifact, "not run" where the host lacks its runtime; `advance` is called
    once a row.

    Raises what `measure` raises, and OutputError where an artifact became another meanwhile.
    """
    for artifact, runtime in planned:
        manifest = artifact.manifest
        subject = Subject(artifact.path, runtime, manifest.frame_size, manifest.state_pairs)
        answer = measure(subject, settings, host)
        artifact.manifest_now()
        yield artifact_row(artifact, runtime, settings, answer)
        advance()


def require_any_runtime(rows: Sequence[Mapping[str, Any]], host: Host) -> None:
    """Raise MissingDependencyError where every row lacks the same: there is no more to tell."""
    lacking = [row["missing"] for row in rows]
    if lacking and lacking[0] and all(one == lacking[0] for one in lacking):
        raise host.missing(lacking[0])
