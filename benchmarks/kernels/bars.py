"""The bars that the kernels must clear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bokehflow.benchmarks.checks import Check, at_least, at_most
from bokehflow.benchmarks.kernels.cases import FRAME_720P, TRAINING
from bokehflow.benchmarks.kernels.contenders import FLA, OURS
from bokehflow.benchmarks.kernels.layers import BOTH, FORWARD
from bokehflow.benchmarks.latency.budgets import H100

TIMES_FLA_AT_720P = 4.0
TIMES_FLA_IN_TRAINING = 2.0
TIMES_BYTE_FLOOR = 3.0
TRAINING_STEP_MS = 60.0
"""On an H100: 16 crops of 256 x 256, Nano, bf16."""
CPU_SPEED_UP = 3.0


def layer_bars(rows: Sequence[dict[str, Any]]) -> list[Check]:
    """Nano's bars against fla and against the byte floor."""

    def p50(case: str, which: str, contender: str) -> float | None:
        for row in rows:
            if (row["case"], row["pass"], row["contender"]) == (case, which, contender):
                return row.get("p50_ms")
        return None

    def ratio(above: float | None, below: float | None) -> float | None:
        return None if above is None or below is None else above / below

    frame, training = f"nano_{FRAME_720P}", f"nano_{TRAINING}"
    floor = next(
        (r["floors"]["bytes_ms"] for r in rows if r["case"] == frame and r["pass"] == FORWARD
         and "floors" in r), None,
    )  # fmt: skip
    return [
        at_least("times as fast as fla, forward + backward, 720p",
                 ratio(p50(frame, BOTH, FLA), p50(frame, BOTH, OURS)), TIMES_FLA_AT_720P),
        at_least("times as fast as fla, forward + backward, training",
                 ratio(p50(training, BOTH, FLA), p50(training, BOTH, OURS)), TIMES_FLA_IN_TRAINING),
        at_most("times the byte floor, forward, 720p",
                ratio(p50(frame, FORWARD, OURS), floor), TIMES_BYTE_FLOOR),
    ]  # fmt: skip


def step_bar(device: str | None, step: Mapping[str, Any] | None) -> Check:
    """The bar of a training step on an H100. device: what it was timed on; step: as
    `measure_training_step` returns it. None for both where nothing ran."""
    name = f"ms a training step of Nano, 16 crops of 256 x 256, bf16, on an {H100}"
    if step is not None and H100 not in (device or ""):
        why_not = f"run on {device}, not an {H100}"
        return at_most(name, None, TRAINING_STEP_MS, why_not=why_not)
    return at_most(name, None if step is None else float(step["p50_ms"]), TRAINING_STEP_MS)
