"""What the comparison must show, judged on its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bokehflow.benchmarks.latency.budgets import (
    CPU_MEMORY_GB,
    GPU_MEMORY_GB,
    H100_FPS,
    Budget,
)
from bokehflow.benchmarks.suite.cases import FULL_HD, TWO, auto_scan
from bokehflow.specs import MOBILE_FRAME, Size

Row = Mapping[str, Any]
Rows = Sequence[Row]

TIMES_FLOOR = {"onnxruntime": 2.0, "openvino": 3.0}
FASTER_THAN_EAGER = 5.0
NETWORK_MS, NETWORK_GOAL_MS = 250.0, 150.0
LINEAR_WITHIN = 1.3
EXPORT_S, EXPORT_NODES = 30.0, 1500.0


def all_bars(rows: Rows) -> list[Budget]:
    """Every bar; those whose rows were not run say so."""
    network = _fastest(rows, "network part", "network part")
    return [
        *(_floor_bar(rows, runtime) for runtime in TIMES_FLOOR),
        _eager_bar(rows),
        _at_most("network part, faster engine", NETWORK_MS, "ms", _p50(network)),
        _at_most("network part, faster engine, goal", NETWORK_GOAL_MS, "ms", _p50(network)),
        *(_linear_bar(rows, runtime) for runtime in TIMES_FLOOR),
        *(_memory_bar(rows, runtime) for runtime in TIMES_FLOOR),
        *_export_bars(rows),
        *_gpu_bars(rows),
    ]


def _floor_bar(rows: Rows, runtime: str) -> Budget:
    """The artifact that `auto` makes against its floor, at the precision hint that is best."""
    artifact = _fastest(rows, "mobile profile", "artifact", runtime, chosen=True)
    floor = artifact and _first(
        rows,
        lambda row: (
            row["group"] == "mobile profile"
            and row["model"] == "floor"
            and (row["runtime"], row["threads"]) == (runtime, TWO)
            and row["arguments"] == artifact["arguments"]
        ),
    )
    name = f"{runtime}, times its scan-free floor"
    return _at_most(name, TIMES_FLOOR[runtime], "x", _ratio(_p50(artifact), _p50(floor)))


def _eager_bar(rows: Rows) -> Budget:
    eager = _fastest(rows, "mobile profile", "artifact", "torch")
    fastest = [_fastest(rows, "mobile profile", "artifact", r, chosen=True) for r in TIMES_FLOOR]
    times = [_p50(row) for row in fastest if row is not None]
    best = min((time for time in times if time is not None), default=None)
    found = _ratio(_p50(eager), best)
    return _at_least("faster engine, times as fast as eager chunked PyTorch", FASTER_THAN_EAGER,
                     "x", found)  # fmt: skip


def _linear_bar(rows: Rows, runtime: str) -> Budget:
    """Largest over smallest time a token, over every size, at the precision hint float32."""
    sized = [row for row in _full_size(rows, runtime) if _p50(row) is not None]
    per_token = [row["times"]["p50_ms"] / _pixels(row) for row in sized]
    found = max(per_token) / min(per_token) if len(per_token) > 1 else None
    return _at_most(f"{runtime}, time against pixels, full network size", LINEAR_WITHIN, "x", found)


def _memory_bar(rows: Rows, runtime: str) -> Budget:
    full_hd = [row for row in _full_size(rows, runtime) if row["frame_size"] == str(FULL_HD)]
    memory = full_hd[0]["memory"] if full_hd else None
    peak = memory and memory["process_peak_bytes"]
    name = f"{runtime}, process memory at 1080p, full network size"
    return _at_most(name, CPU_MEMORY_GB, "GB", peak and peak / 1e9)


def _export_bars(rows: Rows) -> list[Budget]:
    def made(scan: str) -> Row | None:
        return _first(
            rows,
            lambda row: (
                (row["group"], row["model"]) == ("mobile profile", "artifact")
                and (row["target"], row["scan"]) == ("onnx", scan)
                and row["export_s"] is not None
            ),
        )

    auto, chunked = made(auto_scan("onnx")), made("chunked")
    return [
        _at_most("export to ONNX", EXPORT_S, "s", auto["export_s"] if auto else None),
        _at_most("nodes of the chunked ONNX graph", EXPORT_NODES, "",
                 chunked["nodes"] if chunked else None),
    ]  # fmt: skip


def _gpu_bars(rows: Rows) -> list[Budget]:
    def on_gpu(size: Size) -> list[Row]:
        return [
            row for row in rows
            if (row["group"], row["frame_size"], row["status"]) == ("CUDA", str(size), "ok")
        ]  # fmt: skip

    fps = [row["times"]["fps"] for row in on_gpu(MOBILE_FRAME)]
    peaks = [row["memory"]["device_peak_bytes"] for row in on_gpu(FULL_HD)]
    known = [peak for peak in peaks if peak is not None]
    name = "GPU, 720p, full network size, faster runtime"
    return [
        _at_least(name, H100_FPS, "FPS", max(fps, default=None)),
        _at_most("GPU, memory at 1080p, leaner runtime", GPU_MEMORY_GB, "GB",
                 min(known) / 1e9 if known else None),
    ]  # fmt: skip


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


def _at_most(name: str, limit: float, unit: str, found: float | None) -> Budget:
    return Budget(name, limit, unit, False, found, _why_not(found))


def _at_least(name: str, limit: float, unit: str, found: float | None) -> Budget:
    return Budget(name, limit, unit, True, found, _why_not(found))


def _why_not(found: float | None) -> str | None:
    return "its rows were not run" if found is None else None
