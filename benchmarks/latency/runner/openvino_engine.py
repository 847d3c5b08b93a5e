"""OpenVINO, and its performance counters."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from .engine import Load, mean_by_name

MODEL_FILE = "model.xml"
HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
"""Precisions as this project writes them, and as OpenVINO does."""
LOOPS = ("Loop", "TensorIterator")
"""As `export.compiled` has them, which is not on every machine that measures."""


class OpenVinoEngine:
    """A compiled OpenVINO model."""

    def __init__(self, load: Load, profile: bool = False) -> None:
        """Raises ValueError for a model whose scans are left as loops, as the session refuses."""
        import openvino

        precision = load.arguments.get("precision", "fp32")
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": HINTS[precision]}
        if load.threads is not None:
            settings["INFERENCE_NUM_THREADS"] = load.threads
        if profile:
            settings["PERF_COUNT"] = "YES"
        file = load.model / MODEL_FILE if load.model.is_dir() else load.model
        device, core = load.arguments.get("device", "CPU"), _core()
        self.device = full_name(core, device)
        model = core.read_model(str(file))
        # Compiling may give an output the names of what it replaced beside its own.
        self._outputs = [port.any_name for port in model.outputs]
        self.model = core.compile_model(model, device, settings)
        _require_fused(self.model, precision)
        self.request = self.model.create_infer_request()
        self.version = str(openvino.__version__).split("-")[0]
        self.input_shapes = {port.any_name: tuple(port.shape) for port in self.model.inputs}

    def put(self, array: np.ndarray) -> Any:
        return array

    def get(self, value: Any) -> np.ndarray:
        return np.asarray(value)

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        # In place, as ONNX Runtime's are: copies would count as the model's time and memory.
        results = self.request.infer(dict(feeds), share_inputs=True, share_outputs=True)
        return {name: results[index] for index, name in enumerate(self._outputs)}

    def device_peak_bytes(self) -> int | None:
        return None


class OpenVinoProfiler:
    """The same with counters, read after every frame."""

    def __init__(self, load: Load) -> None:
        self.engine: Any = _Counting(load)

    def nodes(self, skip: int) -> dict[str, float]:
        origins = _origins(self.engine.model)
        counted: Mapping[str, list[float]] = self.engine.samples
        means = mean_by_name(counted, skip)
        found: dict[str, float] = {}
        for name, mean in means.items():  # two nodes may have been made of one
            origin = origins.get(name, name)
            found[origin] = found.get(origin, 0.0) + mean
        return found


class _Counting(OpenVinoEngine):
    def __init__(self, load: Load) -> None:
        super().__init__(load, profile=True)
        self.samples: dict[str, list[float]] = {}

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        outputs = super().run(feeds)
        for node in self.request.profiling_info:
            milliseconds = node.real_time.total_seconds() * 1e3
            self.samples.setdefault(node.node_name, []).append(milliseconds)
        return outputs


@functools.cache
def _core() -> Any:
    """One for the whole process, for the reason that `export.openvino_access` gives."""
    import openvino

    return openvino.Core()


def full_name(core: Any, device: str) -> str:
    """An accelerator with its hardware's name; as it is where that is none's, as of AUTO."""
    if device == "CPU":
        return device
    try:
        return f"{device}, {core.get_property(device, 'FULL_DEVICE_NAME')}"
    except RuntimeError:
        return device


def _require_fused(model: Any, precision: str) -> None:
    """At fp32 the sentence is that of `runtimes.openvino_session`."""
    try:
        nodes = model.get_runtime_model().get_ops()
    except RuntimeError:  # of an accelerator that does not tell what it made of the graph
        return
    if not any(str(node.get_rt_info()["layerType"].value) in LOOPS for node in nodes):
        return
    if precision == "fp32":
        raise ValueError(
            "this OpenVINO runs the scans as loops over tokens, far too slowly; expected a version "
            "that fuses them, as the one that the manifest names; export it again here, or with "
            "--scan chunked"
        )
    raise ValueError(
        f"this OpenVINO runs the scans as loops over tokens at {precision}, far too slowly; "
        "expected a precision at which it fuses them; use precision=fp32, or export it with --scan "
        "chunked"
    )


def _origins(model: Any) -> dict[str, str]:
    """Executed node to the first node of the file that went into it and has a module's path."""
    found = {}
    for node in model.get_runtime_model().get_ops():
        info = node.get_rt_info()
        names = str(info["originalLayersNames"].value).split(",")
        scoped = [name for name in names if "/" in name]
        if scoped and "/" not in node.get_friendly_name():
            found[node.get_friendly_name()] = scoped[0]
    return found
