"""What the comparison must show, judged on its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bokehflow.benchmarks.checks import Check, at_least, at_most
from bokehflow.benchmarks.latency.budgets import (
    CPU_MEMORY_GB,
    GPU_MEMORY_GB,
    H100,
    H100_FPS,
)
from bokehflow.benchmarks.latency.record import DEVICE_PEAKS
from bokehflow.benchmarks.suite.cases import CHUNKED, TWO, auto_scan
from bokehflow.specs import FULL_HD, MOBILE_FRAME, Size

Row = Mapping[str, Any]
Rows = Sequence[Row]

TIMES_FLOOR = {"onnxruntime": 2.0, "openvino": 3.0}
FASTER_THAN_EAGER = 5.0
NETWORK_MS, NETWORK_GOAL_MS = 250.0, 150.0
LINEAR_WITHIN = 1.3
EXPORT_S, EXPORT_NODES = 30.0, 1500.0
WHY_NOT = "its rows were not run"


def all_bars(rows: Rows) -> list[Check]:
    """Every bar; those whose rows were not run say so."""
    network = _fastest(rows, "network part", "network part")
    bars = [
        *(_floor_bar(rows, runtime) for runtime in TIMES_FLOOR),
        _eager_bar(rows),
        at_most("network part, faster engine", _p50(network), NETWORK_MS, "ms"),
        at_most("network part, faster engine, goal", _p50(network), NETWORK_GOAL_MS, "ms"),
        *(_linear_bar(rows, runtime) for runtime in TIMES_FLOOR),
        *(_memory_bar(rows, runtime) for runtime in TIMES_FLOOR),
        *_export_bars(rows),
        *_gpu_bars(rows),
    ]
    return [
        bar if bar.found is not None or bar.why_not else replace(bar, why_not=WHY_NOT)
        for bar in bars
    ]


def _floor_bar(rows: Rows, runtime: str) -> Check:
    """The artifact that `auto` makes against its floor, each at the precision hint that is best for
    it."""
    artifact = _fastest(rows, "mobile profile", "artifact", runtime, chosen=True)
    floor = _fastest(rows, "mobile profile", "floor", runtime)
    name = f"{runtime}, times its scan-free floor"
    return at_most(name, _ratio(_p50(artifact), _p50(floor)), TIMES_FLOOR[runtime], "x")


def _eager_bar(rows: Rows) -> Check:
    eager = _fastest(rows, "mobile profile", "artifact", "torch")
    fastest = [_fastest(rows, "mobile profile", "artifact", r, chosen=True) for r in TIMES_FLOOR]
    times = [_p50(row) for row in fastest if row is not None]
    best = min((time for time in times if time is not None), default=None)
    found = _ratio(_p50(eager), best)
    name = "faster engine, times as fast as eager chunked PyTorch"
    return at_least(name, found, FASTER_THAN_EAGER, "x")


def _linear_bar(rows: Rows, runtime: str) -> Check:
    """Largest over smallest time a token, over every size, at the precision hint float32."""
    wanted = _full_size(rows, runtime)
    per_token = [p50 / _pixels(row) for row in wanted if (p50 := _p50(row)) is not None]
    whole = len(per_token) == len(wanted) > 1
    found = max(per_token) / min(per_token) if whole else None
    return at_most(f"{runtime}, time against pixels, full network size", found, LINEAR_WITHIN, "x")


def _memory_bar(rows: Rows, runtime: str) -> Check:
    full_hd = [row for row in _full_size(rows, runtime) if row["frame_size"] == str(FULL_HD)]
    memory = full_hd[0]["memory"] if full_hd else None
    peak = memory and memory["process_peak_bytes"]
    name = f"{runtime}, process memory at 1080p, full network size"
    return at_most(name, peak and peak / 1e9, CPU_MEMORY_GB, "GB")


def _export_bars(rows: Rows) -> list[Check]:
    """What exporting takes, and how many nodes come of it, with the renderer and without."""

    def made(group: str, model: str, scan: str) -> Row | None:
        return _first(
            rows,
            lambda row: (
                (row["group"], row["model"]) == (group, model)
                and (row["target"], row["scan"]) == ("onnx", scan)
                and row["runtime"] != "torch"  # whose weights came out of another graph's file
                and row["export_s"] is not None
            ),
        )

    def nodes(row: Row | None) -> float | None:
        return row["nodes"] if row else None

    auto = made("mobile profile", "artifact", auto_scan("onnx"))
    whole = made("mobile profile", "artifact", CHUNKED)
    network = made("network part", "network part", CHUNKED)
    name = "nodes of the chunked ONNX graph"
    return [
        at_most("export to ONNX", auto["export_s"] if auto else None, EXPORT_S, "s"),
        at_most(f"{name}, network part", nodes(network), EXPORT_NODES),
        at_most(f"{name}, with the renderer", nodes(whole), EXPORT_NODES),
    ]


def _gpu_bars(rows: Rows) -> list[Check]:
    def on_gpu(size: Size) -> list[Row]:
        return [
            row for row in rows
            if (row["group"], row["frame_size"], row["status"]) == ("CUDA", str(size), "ok")
        ]  # fmt: skip

    rows_720p = on_gpu(MOBILE_FRAME)
    others = [gpu for row in rows_720p if H100 not in (gpu := str(row["host"]["gpu"]))]
    fps = [] if others else [row["times"]["fps"] for row in rows_720p]
    why_not = f"run on {others[0]}, not an {H100}" if others else None
    name = "GPU, 720p, full network size, faster runtime"
    return [
        at_least(name, max(fps, default=None), H100_FPS, "FPS", why_not),
        _gpu_memory_bar(on_gpu(FULL_HD)),
    ]


def _gpu_memory_bar(rows: Rows) -> Check:
    """The leaner runtime, and what its memory is: they do not tell the same."""
    known = [row for row in rows if row["memory"]["device_peak_bytes"] is not None]
    least = min(known, key=lambda row: int(row["memory"]["device_peak_bytes"]), default=None)
    name = "GPU, memory at 1080p, leaner runtime"
    if least is None:
        return at_most(name, None, GPU_MEMORY_GB, "GB")
    runtime, peak = least["runtime"], int(least["memory"]["device_peak_bytes"])
    return at_most(f"{name} ({runtime}: {DEVICE_PEAKS[runtime]})", peak / 1e9, GPU_MEMORY_GB, "GB")


def _full_size(rows: Rows, runtime: str) -> list[Row]:
    return [
        row for row in rows
        if (row["group"], row["runtime"]) == ("full network size", runtime)
        and row["arguments"].get("precision", "fp32") == "fp32"
    ]  # fmt: skip


def _fastest(
    rows: Rows, group: str, model: str, runtime: str | None = None, chosen: bool = False
) -> Row | None:
    """The row of the least median on two threads. chosen: of the lowerings that `auto` means."""
    found = [
        row for row in rows
        if (row["group"], row["model"], row["threads"], row["status"]) == (group, model, TWO, "ok")
        and runtime in (None, row["runtime"])
        and (not chosen or row["scan"] == auto_scan(row["target"]))
    ]  # fmt: skip
    return min(found, key=lambda row: float(row["times"]["p50_ms"]), default=None)


def _first(rows: Rows, wanted: Callable[[Row], bool]) -> Row | None:
    return next((row for row in rows if wanted(row)), None)


def _p50(row: Row | None) -> float | None:
    return None if row is None or row["times"] is None else float(row["times"]["p50_ms"])


def _ratio(above: float | None, below: float | None) -> float | None:
    return None if above is None or below is None else above / below


def _pixels(row: Row) -> int:
    size = Size.parse(row["frame_size"])
    return size.height * size.width
