"""Budgets are judged where they apply, and nowhere else."""

from __future__ import annotations

import dataclasses

import pytest

from bokehflow.benchmarks.latency.budgets import Measured, budgets_of
from bokehflow.benchmarks.latency.record import accelerator_of
from bokehflow.export import ExportConfig, Manifest, Parity
from bokehflow.export.export import manifest_of
from bokehflow.model import load_model
from bokehflow.specs import FULL_HD, Size

ON_CPU = Measured(12.0, 1_500_000_000, None, 2, None)
ON_H100 = Measured(430.0, 3_000_000_000, 500_000_000, 2, "NVIDIA H100 80GB HBM3")
IN_TORCH = dataclasses.replace(ON_CPU, stranger="torch")
HD, MOBILE = Size(720, 1280), Size(288, 512)


def manifest(frame: Size, network: Size) -> Manifest:
    return manifest_of(load_model("nano"), ExportConfig("onnx", frame, network))


def judged(
    made: Manifest, measured: Measured | None, file_bytes: int = 6_500_000
) -> dict[str, bool]:
    """Every budget that was judged, by the first words of its name."""
    found = budgets_of(made, file_bytes, measured)
    assert all((budget.found is None) == (budget.why_not is not None) for budget in found)
    return {b.name.split(",")[0]: b.holds for b in found if b.holds is not None}


@pytest.mark.parametrize(
    ("sizes", "measured", "verdicts"),
    [
        pytest.param((HD, MOBILE), ON_CPU, {"speed of the mobile profile": True}, id="mobile"),
        pytest.param((HD, MOBILE), dataclasses.replace(ON_CPU, threads=8), {}, id="8-threads"),
        pytest.param((HD, MOBILE), dataclasses.replace(ON_CPU, threads=None), {}, id="no-threads"),
        pytest.param((HD, MOBILE), IN_TORCH, {}, id="mobile-in-torch"),
        pytest.param((HD, HD), ON_CPU, {}, id="720p-on-cpu"),
        pytest.param((HD, HD), ON_H100, {"speed at 720p": True}, id="720p-on-h100"),
        pytest.param((HD, HD), dataclasses.replace(ON_H100, accelerator="T4"), {}, id="on-t4"),
        pytest.param(
            (FULL_HD, FULL_HD), ON_CPU, {"process memory at 1080p": True}, id="1080p-on-cpu"
        ),
        pytest.param((FULL_HD, FULL_HD), ON_H100, {"GPU memory at 1080p": False}, id="1080p-gpu"),
        pytest.param((FULL_HD, FULL_HD), IN_TORCH, {}, id="1080p-in-torch"),
        pytest.param(
            (FULL_HD, FULL_HD),
            dataclasses.replace(ON_H100, device_peak_bytes=None),
            {},
            id="1080p-gpu-that-does-not-tell",
        ),
        pytest.param((FULL_HD, FULL_HD), None, {}, id="nothing-ran"),
    ],
)
def test_a_budget_is_judged_where_it_applies(
    sizes: tuple[Size, Size], measured: Measured | None, verdicts: dict[str, bool]
) -> None:
    assert judged(manifest(*sizes), measured) == verdicts


@pytest.mark.parametrize(("target", "would_do"), [("onnx", True), ("coreml", False)])
def test_a_number_of_threads_is_proposed_where_one_can_be_asked_for(
    target: str, would_do: bool
) -> None:
    made = dataclasses.replace(manifest(HD, MOBILE), target=target)
    speed = budgets_of(made, 0, dataclasses.replace(ON_CPU, threads=None))[1]
    assert speed.why_not is not None
    assert "run with the runtime's own number of threads" in speed.why_not
    assert ("--threads 2" in speed.why_not) is would_do


def test_parity_and_file_size_come_from_the_manifest() -> None:
    parity = Parity(2, 79.0, 70.0, "onnxruntime", "executed")
    made = dataclasses.replace(manifest(HD, MOBILE), parity=parity)
    assert judged(made, None) == {"parity with the reference": False}


@pytest.mark.parametrize("recipe", ["int8", "int8-mixed"])
@pytest.mark.parametrize(("file_bytes", "holds"), [(1_600_000, True), (1_600_001, False)])
def test_a_file_in_8_bits_is_as_large_as_it_was_given(
    recipe: str, file_bytes: int, holds: bool
) -> None:
    made = dataclasses.replace(manifest(HD, MOBILE), precision=recipe)
    assert judged(made, None, file_bytes) == {"size of the INT8 file": holds}


def test_other_variants_are_held_to_parity_alone() -> None:
    small = dataclasses.replace(manifest(HD, MOBILE), variant="small")
    assert [budget.name for budget in budgets_of(small, 1, ON_CPU)] == [
        "parity with the reference, fp32"
    ]


@pytest.mark.parametrize(
    ("device", "accelerator"),
    [
        ("cpu", None),
        ("CPUExecutionProvider", None),
        ("CPU_ONLY", None),
        ("CUDAExecutionProvider", "an H100"),
        ("cuda, NVIDIA A10", "NVIDIA A10"),
        ("GPU, Intel(R) Iris(R) Xe", "Intel(R) Iris(R) Xe"),
        ("GPU", "GPU"),
        ("DmlExecutionProvider", "DmlExecutionProvider"),
        ("NPU", "NPU"),
        ("ALL", "ALL"),
    ],
)
def test_only_a_processor_is_held_to_a_processors_budget(
    device: str, accelerator: str | None
) -> None:
    assert accelerator_of(device, "an H100") == accelerator
