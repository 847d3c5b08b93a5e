"""Shares of devices in a compute plan, from a plan of our own: only macOS makes real ones."""

from __future__ import annotations

import platform
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bokehflow.engines.coremltools_access import quiet_coremltools
from bokehflow.runtimes.residency import residency, residency_of


class MLNeuralEngineComputeDevice:
    pass


class MLCPUComputeDevice:
    pass


class FakePlan:
    """One operation a name: what runs it, and its weight; None is a constant."""

    def __init__(self, operations: dict[str, tuple[object, float] | None]) -> None:
        self._operations = operations
        main = SimpleNamespace(block=SimpleNamespace(operations=list(operations)))
        program = SimpleNamespace(functions={"main": main})
        self.model_structure = SimpleNamespace(program=program)

    def get_compute_device_usage_for_mlprogram_operation(self, operation: str) -> Any:
        known = self._operations[operation]
        return None if known is None else SimpleNamespace(preferred_compute_device=known[0])

    def get_estimated_cost_for_mlprogram_operation(self, operation: str) -> Any:
        known = self._operations[operation]
        return None if known is None else SimpleNamespace(weight=known[1])


def test_shares_of_operations_and_of_cost() -> None:
    neural, cpu = MLNeuralEngineComputeDevice(), MLCPUComputeDevice()
    plan = FakePlan({"c": None, "a": (neural, 0.5), "b": (neural, 0.4), "d": (cpu, 0.1)})
    found = residency_of(plan)
    assert found.operations == pytest.approx({"neural engine": 200 / 3, "cpu": 100 / 3})
    assert found.cost == pytest.approx({"neural engine": 90.0, "cpu": 10.0})


def test_other_systems_make_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    assert residency(Path("model.mlpackage")) is None


@pytest.mark.parametrize("makes_plans", [True, False])
def test_what_was_compiled_to_be_planned_is_removed(
    monkeypatch: pytest.MonkeyPatch, makes_plans: bool
) -> None:
    made = []

    def compile_model(_package: str, target: str) -> None:
        Path(target).mkdir()
        made.append(Path(target))

    def load(_path: str) -> FakePlan:
        if not makes_plans:
            raise ValueError("MLComputePlan is not supported.")
        return FakePlan({"a": (MLCPUComputeDevice(), 1.0)})

    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with quiet_coremltools("a test") as coremltools:
        from coremltools.models.compute_plan import MLComputePlan

        monkeypatch.setattr(coremltools.models.utils, "compile_model", compile_model)
    monkeypatch.setattr(MLComputePlan, "load_from_path", load)
    found = residency(Path("model.mlpackage"))
    assert (found is not None) == makes_plans
    assert not made[0].exists()
