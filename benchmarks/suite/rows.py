"""The row of a case: measured now, or read back if an earlier run of the same sources and versions
measured it on a machine like this one."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch

from bokehflow.benchmarks.latency.answers import Answer, Machine
from bokehflow.benchmarks.latency.host import ThisMachine
from bokehflow.benchmarks.latency.record import measured_part
from bokehflow.benchmarks.latency.run import Subject, measure
from bokehflow.benchmarks.latency.runner.host import describe_host
from bokehflow.benchmarks.latency.runner.requirements import why_not_here
from bokehflow.benchmarks.results_file import write_json
from bokehflow.benchmarks.suite.cases import Case
from bokehflow.benchmarks.suite.models import made_model
from bokehflow.engines.openvino_access import shared_core
from bokehflow.errors import MissingDependencyError
from bokehflow.signature import STATE_PAIRS


def row_of(case: Case, number: int, work: Path) -> dict[str, Any]:
    """The row of a case in the round of that number. Models and rows are kept under `work`; a row
    that is there is not measured again. One that could not be measured is not kept: what was in
    its way may be gone."""
    kept = work / "rows" / f"{case.key}.{number}.json"
    with contextlib.suppress(FileNotFoundError, ValueError):  # a damaged one is measured again
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    row = {**_facts(case), **measured_or_why_not(case, work / "models")}
    if row["status"] == "ok":
        write_json(kept, row)
    return row


def _facts(case: Case) -> dict[str, Any]:
    model, settings = case.model, case.settings
    return {
        "key": case.key,
        "group": case.group,
        "model": model.kind,
        "target": model.target,
        "scan": settings.arguments.get("scan", model.scan),
        "frame_size": str(model.frame),
        "network_size": str(model.network),
        "runtime": case.runtime,
        "arguments": dict(settings.arguments),
        "threads": settings.threads,
        "warmup": settings.warmup,
    }


def measured_or_why_not(case: Case, models: Path) -> dict[str, Any]:
    """The measured part, or why there is none."""
    reason = why_not_here(case.runtime)
    if case.on_gpu and not torch.cuda.is_available():
        reason = "no CUDA device"
    if reason is None and case.settings.arguments.get("precision") == "bf16":
        reason = _why_not_bf16()
    if reason is not None:
        return _without(reason, case.runtime)
    try:
        made = made_model(case.model, models)
        subject = Subject(made.path, case.runtime, case.model.frame, STATE_PAIRS)
        answer = measure(subject, case.settings, ThisMachine())
    except MissingDependencyError as error:
        return _without(str(error), case.runtime)
    times = answer.times
    return {
        **measured_part(answer, made.path, case.runtime),
        "version": times and times.version,
        "device": times and times.device,
        "export_s": made.seconds,
        "nodes": made.nodes,
        "host": dataclasses.asdict(answer.host),
    }


def _why_not_bf16() -> str | None:
    """Without such arithmetic the hint changes nothing, and the row would be measured twice."""
    try:
        core = shared_core("a row in bf16")
    except MissingDependencyError:
        return None  # which the row itself will say
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return None if "BF16" in able else "the processor has no bf16 arithmetic"


def _without(reason: str, runtime: str) -> dict[str, Any]:
    answer = Answer("not run", reason, Machine(**describe_host()))
    more = dict.fromkeys(("version", "device", "export_s", "nodes"))
    return {**measured_part(answer, None, runtime), **more, "host": dataclasses.asdict(answer.host)}
