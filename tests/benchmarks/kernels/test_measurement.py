"""What is compared computes the same, and the arithmetic around it is right."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from bokehflow.benchmarks.kernels import launches, layers
from bokehflow.benchmarks.kernels.bars import layer_bars
from bokehflow.benchmarks.kernels.cases import LAYER_CASES, LayerCase, make_inputs
from bokehflow.benchmarks.kernels.contenders import CONTENDERS, FLA, OURS
from bokehflow.benchmarks.kernels.cpu_comparison import compare_on_cpu
from bokehflow.benchmarks.kernels.floors import floors
from bokehflow.benchmarks.kernels.timing import Times, summarise
from bokehflow.benchmarks.kernels.training_step import make_step
from bokehflow.kernels.launch import run_now
from bokehflow.scan import naive_gated_delta, naive_scan_2d
from tests.tolerances import SCAN_FP32

Form2d = Callable[..., tuple[Tensor, Tensor]]
SMALL = LayerCase("small_map", "nano", 1, 12, 20, torch.float32)


@pytest.fixture(autouse=True)
def _fla_by_the_recurrence(monkeypatch: pytest.MonkeyPatch) -> None:
    """fla's kernels need a GPU: its place is taken by our recurrence, behind its interface."""

    def rule(
        q: Tensor, k: Tensor, v: Tensor, g: Tensor, beta: Tensor, **options: Any
    ) -> tuple[Tensor, Tensor]:
        assert options == {"scale": 1.0, "output_final_state": True}
        return naive_gated_delta(q, k, v, g, beta)

    module = types.ModuleType("fla.ops.gated_delta_rule")
    module.chunk_gated_delta_rule = rule  # type: ignore[attr-defined]
    for name in ("fla", "fla.ops"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "fla.ops.gated_delta_rule", module)


@pytest.mark.parametrize("contender", CONTENDERS, ids=[c.name for c in CONTENDERS])
def test_every_contender_computes_the_scan(contender: Any) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    q, k, v, log_decay, beta = make_inputs(SMALL, device)
    found = contender.form((q, k, v, log_decay, beta), *SMALL.map_size)
    exact = [x.detach().cpu().double() for x in (q, k, v, log_decay, beta)]
    reference: Form2d = naive_scan_2d
    wanted, _ = reference(*exact, None, *SMALL.map_size)
    assert (found.cpu() - wanted).norm() <= SCAN_FP32 * wanted.norm()


def test_rows_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole measurement but the clock, which needs a GPU."""

    def clock(call: Any) -> Times:
        call()
        return summarise([2.0, 2.0, 2.0], peak_mb=1.0)

    monkeypatch.setattr(layers, "time_on_device", clock)
    monkeypatch.setattr(layers, "copy_bytes_per_ms", lambda: 1e9)
    monkeypatch.setattr(layers, "matmul_flops_per_ms", lambda _: 1e9)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = list(layers.measure_layers([SMALL], device))
    assert [row["status"] for row in rows] == ["measured"] * 6
    assert {row["p50_ms"] for row in rows} == {2.0}


def test_floors_of_a_720p_layer() -> None:
    case = next(case for case in LAYER_CASES if case.name == "nano_720p")
    found = floors(case, gradients=False, bytes_per_ms=1e6, operations_per_ms=1e6)
    token_heads = 180 * 320 * 4 * 3
    assert found.bytes_ms == pytest.approx(token_heads * (4 * 16 + 2) * 2 / 1e6)
    assert found.operations_ms == pytest.approx(token_heads * 8 * 16 * 16 / 1e6)


def test_bars_are_ratios_of_medians() -> None:
    def row(case: str, which: str, contender: str, p50: float) -> dict[str, Any]:
        floor = {"bytes_ms": 0.5, "operations_ms": 0.1}
        return {"case": case, "pass": which, "contender": contender, "p50_ms": p50, "floors": floor}

    rows = [
        row("nano_720p", layers.BOTH, FLA, 10.0),
        row("nano_720p", layers.BOTH, OURS, 2.0),
        row("nano_720p", layers.FORWARD, OURS, 2.0),
    ]
    assert [(bar.found, bar.holds) for bar in layer_bars(rows)] == [
        (5.0, True),
        (None, None),
        (4.0, False),
    ]


def test_percentiles() -> None:
    times = summarise([float(x) for x in range(1, 101)], peak_mb=0.0)
    assert (times.p50_ms, times.p90_ms, times.p99_ms) == pytest.approx((50.5, 90.1, 99.01))
    assert times.spread == pytest.approx((90.1 - 10.9) / 50.5)


def test_the_cpu_comparison_compares_and_times() -> None:
    found = compare_on_cpu(batch=1, side_px=32, repeats=2, agreement_case=SMALL)
    assert found.speed_up_lowest <= found.speed_up <= found.speed_up_highest
    assert found.chunked_s > 0
    assert found.cpu_s > 0


def test_a_training_step_trains() -> None:
    step = make_step("chunked", torch.device("cpu"), batch=1, side_px=32, dtype=torch.bfloat16)
    losses = [float(step()) for _ in range(2)]
    assert losses[1] < losses[0]


def test_every_kernel_of_both_passes_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def clock(call: Any) -> Times:
        ran.append(call())
        return summarise([1.0, 2.0, 3.0], 0.0)

    monkeypatch.setattr(launches, "time_on_device", clock)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = list(launches.measure_launches([SMALL], device))
    assert {row["case"] for row in rows} == {SMALL.name}
    found = [row["kernel"] for row in rows if not str(row["kernel"]).startswith("split")]
    walks = ["scan_output_kernel", "gate_kernel", "chunk_state_kernel", "chunk_gradient_kernel"]
    assert found == ["gate_kernel", *walks, "token_gradient_kernel", "row_traffic_kernel"]
    assert len(ran) == len(rows)


def test_the_traffic_reads_and_writes_every_token() -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    launch = launches.traffic_of(launches.pass_launches(SMALL, device))
    q, k, v, _, _, (o, *_), _ = launch.arguments[:7]
    o.fill_(float("nan"))
    run_now(launch)
    log_decay, beta = make_inputs(SMALL, device)[3:]
    wanted = q[0] + k[0] + v[0] + (log_decay + beta).detach()[..., None]
    torch.testing.assert_close(o, wanted)
