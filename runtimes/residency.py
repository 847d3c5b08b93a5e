"""Where Core ML would run each operation of a package: a compute plan, which macOS alone makes."""

from __future__ import annotations

import platform
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehflow.engines.coremltools_access import quiet_coremltools
from bokehflow.temporary import temporary_folder

_DEVICES = {
    "MLNeuralEngineComputeDevice": "neural engine",
    "MLGPUComputeDevice": "gpu",
    "MLCPUComputeDevice": "cpu",
}


@dataclass(frozen=True, slots=True)
class Residency:
    """Percent by device, of the operations and of their estimated cost."""

    operations: dict[str, float]
    cost: dict[str, float]


def residency(path: Path) -> Residency | None:
    """The compute plan of a package for all compute units; None where the system or this Python's
    coremltools makes none."""
    if platform.system() != "Darwin":
        return None
    with quiet_coremltools("planning a Core ML package") as coremltools:
        from coremltools.models.compute_plan import MLComputePlan

        with temporary_folder() as folder:
            compiled = str(folder / f"{path.stem}.mlmodelc")
            coremltools.models.utils.compile_model(str(path), compiled)
            try:
                plan = MLComputePlan.load_from_path(compiled)
            except ValueError:  # a macOS before 14.4, or a coremltools built without it
                return None
            return residency_of(plan)


def residency_of(plan: Any) -> Residency:
    """The shares of each device in a loaded plan. Constants have no device and are left out."""
    operations: defaultdict[str, float] = defaultdict(float)
    cost: defaultdict[str, float] = defaultdict(float)
    for operation in plan.model_structure.program.functions["main"].block.operations:
        usage = plan.get_compute_device_usage_for_mlprogram_operation(operation)
        if usage is None:
            continue
        device = _DEVICES.get(type(usage.preferred_compute_device).__name__, "unknown")
        estimate = plan.get_estimated_cost_for_mlprogram_operation(operation)
        operations[device] += 1
        cost[device] += 0.0 if estimate is None else estimate.weight
    return Residency(_percent(operations), _percent(cost))


def _percent(shares: Mapping[str, float]) -> dict[str, float]:
    whole = sum(shares.values())
    return {name: 100.0 * share / whole for name, share in shares.items()} if whole else {}
