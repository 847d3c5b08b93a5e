"""Time and memory of the rows: from a record of `bfx benchmark`, or measured here in rounds."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehflow.benchmarks.latency.bench import benchmark_artifacts
from bokehflow.benchmarks.latency.host import Host
from bokehflow.benchmarks.latency.record import FAILURES, SCHEMA
from bokehflow.benchmarks.latency.settings import Settings
from bokehflow.benchmarks.report.document import Latency
from bokehflow.benchmarks.report.float_twin import float_twin
from bokehflow.benchmarks.results_file import read_record
from bokehflow.errors import InputError
from bokehflow.export import Artifact
from bokehflow.runtimes import runtime_of
from bokehflow.typed_json import typed

SETTINGS = Settings(iterations=10, warmup=2, profile=0)
NOT_ASKED = Latency("not run", "--no-measure")
NOT_EXPORTED = Latency("not run", "the model in PyTorch is not an artifact")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Round:
    """Rows of the benchmark, measured one after the other: by artifact SHA-256 in a record, by the
    path that was given where they were measured here, for a packed artifact has the hash of what is
    in it."""

    rows: Mapping[str, Row]

    def of(self, artifact: Artifact) -> Row | None:
        """The row of an artifact."""
        by_hash = self.rows.get(artifact.manifest.artifact_sha256)
        return self.rows.get(str(artifact.given), by_hash)


def read_latency(path: Path) -> tuple[list[Round], str]:
    """What `bfx benchmark -o` wrote, as one round, and where it was measured.

    Of an artifact that several runtimes ran the row of its own counts. Raises InputError for
    anything else, and where one ran it twice.
    """
    with read_record(path, SCHEMA, "`bfx benchmark -o`") as record:
        rows = _by_artifact(path, record["rows"])
        for row in rows.values():
            _check(row)
        return [Round(rows)], _where(list(rows.values()), record["settings"]["iterations"], 1)


def _check(row: Row) -> None:
    """Raise InputError for times or memory that nothing takes."""
    times, memory = row["times"], row["memory"]
    for name in ("p50_ms", "p90_ms") if times is not None else ():
        if typed(float, times[name], name) <= 0.0:
            raise InputError(f"{name} is {times[name]}", "more than 0 ms")
    for name in ("process_peak_bytes", "model_peak_bytes") if memory is not None else ():
        typed(int | None, memory[name], name)


def _by_artifact(path: Path, rows: Sequence[Row]) -> dict[str, Row]:
    kept: dict[str, Row] = {}
    for row in rows:
        artifact = row["artifact"]
        if row["runtime"]["name"] != runtime_of(artifact["target"]):
            kept.setdefault(artifact["sha256"], row)
        elif _is_own(kept.get(artifact["sha256"])):
            raise InputError(
                f"{path} holds the artifact {artifact['sha256'][:12]} twice",
                "one row",
                "measure it once a record",
            )
        else:
            kept[artifact["sha256"]] = row
    return kept


def _is_own(row: Row | None) -> bool:
    """Whether a row is of the runtime that its artifact was exported for."""
    return row is not None and row["runtime"]["name"] == runtime_of(row["artifact"]["target"])


def measure_rounds(
    artifacts: Sequence[Artifact], rounds: int, host: Host, advance: Callable[[], None]
) -> tuple[list[Round], str]:
    """Measure every artifact `rounds` times in turn, so that what else the machine does hits all.

    advance: called once an artifact and round. Raises what `benchmark_artifacts` raises.
    """
    planned = [(artifact, runtime_of(artifact.manifest.target)) for artifact in artifacts]
    measured = []
    for _ in range(rounds):
        found = benchmark_artifacts(planned, SETTINGS, host, advance)
        given = [str(artifact.given) for artifact in artifacts]
        measured.append(Round(dict(zip(given, found, strict=True))))
    return measured, _where(list(measured[0].rows.values()), SETTINGS.iterations, rounds)


def latency_of(artifact: Artifact, rounds: Sequence[Round], where: str) -> Latency:
    """What the rounds say of one artifact."""
    rows = [found for one in rounds if (found := one.of(artifact))]
    if not rows:
        return Latency("not run", "the latency record does not hold it")
    stranger = next((row["runtime"]["name"] for row in rows if not _is_own(row)), None)
    if stranger is not None:
        return Latency("not run", f"the latency record is of {stranger}")
    failed = next((row for row in rows if row["times"] is None), None)
    if failed is not None:
        went_wrong = failed["status"] in FAILURES
        return Latency("not run", failed["reason"] or failed["status"], failed=went_wrong)
    return Latency(
        how="measured",
        p50_ms=statistics.median(row["times"]["p50_ms"] for row in rows),
        p90_ms=statistics.median(row["times"]["p90_ms"] for row in rows),
        process_peak_bytes=_largest(rows, "process_peak_bytes"),
        model_peak_bytes=_largest(rows, "model_peak_bytes"),
        time_ratio=_time_ratio(artifact, rounds),
        where=where,
    )


def _time_ratio(artifact: Artifact, rounds: Sequence[Round]) -> float | None:
    """Against the float32 twin that the same runtime ran in the same way in the same round."""
    ratios = []
    for one in rounds:
        own = one.of(artifact)
        assert own is not None
        ran = [r for r in one.rows.values() if r["runtime"] == own["runtime"] and r["times"]]
        sha256 = float_twin(artifact.manifest, [row["artifact"] for row in ran])
        twin = next((row for row in ran if row["artifact"]["sha256"] == sha256), None)
        if twin is not None:
            ratios.append(own["times"]["p50_ms"] / twin["times"]["p50_ms"])
    return statistics.median(ratios) if ratios else None


def _largest(rows: Sequence[Row], name: str) -> int | None:
    found = [row["memory"][name] for row in rows]
    return None if None in found else max(found)


def _where(rows: Sequence[Row], iterations: int, rounds: int) -> str:
    if not rows:
        return "nothing was measured"
    host, threads = rows[0]["host"], rows[0]["runtime"]["threads"]
    used = f"{threads} threads" if threads else "the runtime's own number of threads"
    arguments = "".join(f"{k}={v}, " for k, v in rows[0]["runtime"]["arguments"].items())
    return (
        f"{host['processor']}, {host['cpu_count']} CPUs, {used}, {arguments}{iterations} frames, "
        f"median of {rounds} {'rounds' if rounds > 1 else 'round'}"
    )
