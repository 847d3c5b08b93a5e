"""Shares of devices in a compute plan, from a plan of our own: only macOS makes real ones."""

from __future__ import annotations

import platform
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

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
