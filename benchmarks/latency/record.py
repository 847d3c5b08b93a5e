"""A row of the record: what an artifact is, how it was run, how long it took, what it keeps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bokehflow.benchmarks.checks import bar_facts
from bokehflow.benchmarks.environment import describe_environment
from bokehflow.benchmarks.latency.answers import Answer, Memory, Stages, Times
from bokehflow.benchmarks.latency.budgets import Measured, budgets_of
from bokehflow.benchmarks.latency.bundle import runner_sha256
from bokehflow.benchmarks.latency.host import Host
from bokehflow.benchmarks.latency.scopes import file_scopes, scopes_of
from bokehflow.benchmarks.latency.settings import Settings
from bokehflow.benchmarks.latency.stages import stage_milliseconds
from bokehflow.export import Artifact, Manifest
from bokehflow.runtimes import runtime_of

SCHEMA = "bokehflow.benchmark/1"
PACKAGES = ("bokehflow", "numpy", "onnxruntime", "openvino", "coremltools", "torch")
CPU_DEVICES = ("", "cpu", "cpuexecutionprovider", "cpu_only")
"""What runtimes call a processor, in lower case; whatever else they ran on is an accelerator."""
ON_CUDA = ("cudaexecutionprovider", "tensorrtexecutionprovider")
"""Those of ONNX Runtime, which do not tell the GPU's name: what nvidia-smi says is theirs."""
DEVICE_PEAKS = {
    "torch": "allocated by PyTorch",
    "onnxruntime": "more in use on the device, by everyone",
}
"""What a runtime can tell of an accelerator's memory; the two are not to be compared."""
FAILURES = ("crashed", "failed", "timed out")
COMPUTED = ("variant", "weights_sha256", "frame_size", "network_size", "temporal", "render")
"""Of `artifact_facts`, those that decide what an artifact is to compute."""


def artifact_row(
    artifact: Artifact, runtime: str, settings: Settings, answer: Answer
) -> dict[str, Any]:
    """The row of one artifact from the runner's answer to it."""
    times = answer.times
    measured = None
    if times is not None:
        measured = Measured(
            fps=1e3 / float(np.median(times.frame_ms)),
            process_peak_bytes=times.memory.process_peak_bytes,
            device_peak_bytes=times.memory.device_peak_bytes,
            threads=settings.threads,
            accelerator=accelerator_of(times.device, answer.host.gpu),
            stranger=None if runtime == runtime_of(artifact.manifest.target) else runtime,
        )
    budgets = budgets_of(artifact.manifest, artifact.file_bytes, measured)
    return {
        "artifact": {
            "name": artifact.given.name,
            "bytes": artifact.file_bytes,
            **artifact_facts(artifact.manifest),
        },
        "runtime": {
            "name": runtime,
            "version": times and times.version,
            "device": times and times.device,
            "threads": settings.threads,
            "arguments": dict(settings.arguments),
        },
        **measured_part(answer, artifact.path, runtime),
        "missing": list(answer.missing),
        "budgets": [bar_facts(budget) for budget in budgets],
        "host": dataclasses.asdict(answer.host),
    }


def measured_part(answer: Answer, model: Path | None, runtime: str) -> dict[str, Any]:
    """Status, reason, times, memory and stages of a row. What was not measured is None.

    model: the file or folder that ran, whose nodes the stages are made of; None where none did.
    """
    times = answer.times
    return {
        "status": answer.status,
        "reason": answer.reason,
        "times": times and _summary(times),
        "memory": times and _memory(times.memory, runtime),
        "stages": _stages(answer.stages, model),
    }


def document(
    rows: Sequence[Mapping[str, Any]],
    settings: Settings,
    host: Host,
    asked: Sequence[str],
    ended: str | None = None,
) -> tuple[dict[str, Any], bool]:
    """The whole record, and whether every row ran and kept every budget that it could be held to.

    A row that cannot run on its machine does not fail, unless for what is not installed there.
    asked: the artifacts' names, those without a row included. ended: why these have none.
    """
    kept = all(budget["holds"] is not False for row in rows for budget in row["budgets"])
    ran = not any(row["status"] in FAILURES for row in rows)
    complete = ended is None and not any(row["missing"] for row in rows)
    passed = kept and ran and complete
    record = {
        "schema": SCHEMA,
        "passed": passed,
        "asked": list(asked),
        "ended": ended,
        "device": host.name,
        "settings": dataclasses.asdict(settings),
        "environment": describe_environment(PACKAGES),
        "runner_sha256": runner_sha256(),
        "rows": list(rows),
    }
    return record, passed


def artifact_facts(manifest: Manifest) -> dict[str, Any]:
    """What a row says of the artifact that a manifest is of, but its name and size."""
    return {
        "sha256": manifest.artifact_sha256,
        "target": manifest.target,
        "precision": manifest.precision,
        "variant": manifest.variant,
        "trained": manifest.trained,
        "weights_sha256": manifest.weights_sha256,
        "frame_size": str(manifest.frame_size),
        "network_size": str(manifest.network_size),
        "scan": manifest.lowering,
        "temporal": dataclasses.asdict(manifest.temporal),
        "render": dataclasses.asdict(manifest.render),
    }


def _summary(times: Times) -> dict[str, Any]:
    frames = np.array(times.frame_ms)
    p50, p90, p99 = (float(value) for value in np.percentile(frames, (50, 90, 99)))
    return {
        "load_ms": times.load_ms,
        "first_ms": times.first_ms,
        "p50_ms": p50,
        "p90_ms": p90,
        "p99_ms": p99,
        "variation": float(frames.std() / frames.mean()),
        "fps": 1e3 / p50,
        "frames": len(frames),
    }


def _memory(memory: Memory, runtime: str) -> dict[str, Any]:
    kind = None if memory.device_peak_bytes is None else DEVICE_PEAKS.get(runtime)
    return {**dataclasses.asdict(memory), "device_peak_kind": kind}


def _stages(stages: Stages | None, model: Path | None) -> dict[str, Any] | None:
    if stages is None or model is None:
        return None
    if stages.error is not None:
        return {"frames": 0, "error": stages.error, "by_stage": []}
    # Read for a model that ran alone: one that does not load may not be readable either.
    milliseconds = stage_milliseconds(scopes_of(stages.node_ms, file_scopes(model)))
    whole = sum(milliseconds.values())
    by_stage = [
        {"stage": stage, "ms": ms, "share": ms / whole if whole else 0.0}
        for stage, ms in milliseconds.items()
    ]
    return {"frames": stages.frames, "error": None, "by_stage": by_stage}


def accelerator_of(device: str, gpu: str | None) -> str | None:
    """The name of what a row ran on that is no processor, or may be none; None for a processor."""
    if device.lower() in CPU_DEVICES:
        return None
    if device.lower() in ON_CUDA:
        return gpu or device
    return device.partition(", ")[2] or device
