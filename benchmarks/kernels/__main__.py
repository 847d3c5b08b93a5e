"""`python -m bokehflow.benchmarks.kernels`: the scan kernels' speed, as a table and a record.

Needs a CUDA device; on a machine without one it lists what it would run and ends well, with
status "not run". --cpu compares the CPU scan with the chunked form, which any machine can do.
Exit code 1: a bar was missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from bokehflow.atomic import require_writable_folder
from bokehflow.benchmarks.checks import Check, at_least, bar_facts, read_check
from bokehflow.benchmarks.environment import describe_environment
from bokehflow.benchmarks.kernels.bars import CPU_SPEED_UP, layer_bars, step_bar
from bokehflow.benchmarks.kernels.cpu_comparison import compare_on_cpu
from bokehflow.benchmarks.kernels.launches import measure_launches
from bokehflow.benchmarks.kernels.layers import measure_layers, planned_rows
from bokehflow.benchmarks.kernels.training_step import measure_training_step
from bokehflow.benchmarks.results_file import write_json
from bokehflow.benchmarks.script import run_script
from bokehflow.json_text import json_text

SCHEMA = "bokehflow.kernel_benchmark/1"
NOT_RUN = "not run"
"""A record that holds no figure replaces none."""
PACKAGES = ("torch", "triton", "numba", "flash-linear-attention")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and record. Returns the exit code."""
    options = _parser().parse_args(arguments)
    return run_script(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.output:
        require_writable_folder(options.output.parent)
    for record in [_cpu_record()] if options.cpu else _gpu_records():
        if options.output and not (record["status"] == NOT_RUN and options.output.exists()):
            write_json(options.output, record)
    print(json_text(record)) if options.json else _print(record)
    return 1 if any(bar["holds"] is False for bar in record["bars"]) else 0


def _gpu_records() -> Iterator[dict[str, Any]]:
    """The record after every row, so that a run that is cut short leaves what it measured."""
    if not torch.cuda.is_available():
        yield _gpu_record(NOT_RUN, None, [], None, [])
        return
    device = torch.cuda.get_device_name()
    step = measure_training_step()
    print(f"training step: {step['p50_ms']:.1f} ms", file=sys.stderr)
    yield _gpu_record("cut short", device, [], step, [])
    launches = list(measure_launches())
    yield _gpu_record("cut short", device, [], step, launches)
    rows = []
    for row in measure_layers():
        rows.append(row)
        print(_row_text(row), file=sys.stderr, flush=True)
        yield _gpu_record("cut short", device, rows, step, launches)
    yield _gpu_record("measured", device, rows, step, launches)


def _gpu_record(
    status: str,
    device: str | None,
    rows: Sequence[dict[str, object]],
    step: Mapping[str, Any] | None,
    launches: Sequence[dict[str, object]],
) -> dict[str, Any]:
    """rows: those that were measured; the others are listed as not run."""
    bars = [*layer_bars(rows), step_bar(device, step)]
    layers = [*rows, *planned_rows()[len(rows) :]]
    return _record(
        status, bars, device=device, layers=layers, training_step=step, launches=launches
    )


def _cpu_record() -> dict[str, Any]:
    comparison = compare_on_cpu()
    bar = at_least("times as fast as the chunked form", comparison.speed_up, CPU_SPEED_UP)
    return _record("measured", [bar], device="cpu", cpu=asdict(comparison))


def _record(status: str, bars: Sequence[Check], **parts: object) -> dict[str, Any]:
    environment = describe_environment(PACKAGES)
    return {
        "schema": SCHEMA,
        "status": status,
        "environment": environment,
        **parts,
        "bars": [bar_facts(bar) for bar in bars],
    }


def _print(record: dict[str, Any]) -> None:
    print(f"status: {record['status']}    device: {record['device']}")
    for row in record.get("layers", ()):
        print(f"{_row_text(row)}  {row['about']}")
    for row in record.get("launches", ()):
        print(f"{row['case']:<16} {row['kernel']:<26} {row['p50_ms']:9.3f} ms")
    for name, value in (record.get("cpu") or {}).items():
        print(f"{name:<16} {value}")
    for bar in map(read_check, record["bars"]):
        print(f"{bar.verdict:<8} {bar.name}: {bar.found} (bar {bar.wanted})")


def _row_text(row: Mapping[str, Any]) -> str:
    found = f"{row['p50_ms']:9.3f} ms" if "p50_ms" in row else f"{row['status']:>12}"
    return f"{row['case']:<16} {row['pass']:<17} {row['contender']:<8} {found}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bokehflow.benchmarks.kernels",
                                     description=__doc__)  # fmt: skip
    parser.add_argument("--cpu", action="store_true", help="compare the CPU scan instead")
    parser.add_argument("--json", action="store_true", help="print the record itself")
    parser.add_argument("--output", type=Path, help="write the record to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
