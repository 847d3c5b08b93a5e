"""ONNX Runtime, and its profiler."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .engine import Load, mean_by_name
from .host import gpu_memory_bytes

CPU = "CPUExecutionProvider"
MEMORY_OF = {CPU: "cpu", "CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "cuda"}
"""Where a provider's inputs and outputs stay between frames; the host for those not listed."""
KERNEL = "_kernel_time"


class OnnxRuntimeEngine:
    """A loaded .onnx file. Frames and state stay on the provider's device."""

    def __init__(self, load: Load, profile_prefix: str | None = None) -> None:
        """profile_prefix: where ONNX Runtime writes the times of its nodes; None: it does not."""
        import onnxruntime

        provider = load.arguments.get("provider", CPU)
        available = onnxruntime.get_available_providers()
        if provider not in available:
            raise ValueError(f"provider {provider!r} is not one of {', '.join(available)}")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # As `runtimes.onnxruntime_session` sets them: both only hold memory back.
        options.enable_mem_pattern = False
        options.enable_mem_reuse = False
        if load.threads is not None:
            options.intra_op_num_threads = load.threads
        options.enable_cpu_mem_arena = load.arguments.get("memory_arena", "on") == "on"
        if profile_prefix is not None:
            options.enable_profiling = True
            options.profile_file_prefix = profile_prefix
        self._gpu_before = gpu_memory_bytes() if provider != CPU else None
        self._ort = onnxruntime
        self.session = onnxruntime.InferenceSession(str(load.model), options, [provider])
        if provider not in self.session.get_providers():
            raise ValueError(f"{provider} did not start; in use: {self.session.get_providers()}")
        self._memory = MEMORY_OF.get(provider, "cpu")
        self._outputs = [value.name for value in self.session.get_outputs()]
        self.version, self.device = onnxruntime.__version__, provider
        self.input_shapes = {v.name: tuple(v.shape) for v in self.session.get_inputs()}

    def put(self, array: np.ndarray) -> Any:
        return self._ort.OrtValue.ortvalue_from_numpy(array, self._memory, 0)

    def get(self, value: Any) -> np.ndarray:
        array: np.ndarray = value.numpy()
        return array

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        binding = self.session.io_binding()
        for name, value in feeds.items():
            binding.bind_ortvalue_input(name, value)
        for name in self._outputs:
            binding.bind_output(name, self._memory)
        self.session.run_with_iobinding(binding)
        return dict(zip(self._outputs, binding.get_outputs()))

    def device_peak_bytes(self) -> int | None:
        # Its arena only grows, so what is taken after a run is the most that was taken.
        before = self._gpu_before
        used = None if before is None else gpu_memory_bytes()
        # Less than before: others gave some back meanwhile, and how much was ours is not known.
        return None if before is None or used is None or used < before else used - before


class OnnxRuntimeProfiler:
    """The same with ONNX Runtime's own profile."""

    def __init__(self, load: Load) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=load.manifest.parent)
        self.engine = OnnxRuntimeEngine(load, str(Path(self._folder.name) / "profile"))

    def nodes(self, skip: int) -> dict[str, float]:
        path = Path(self.engine.session.end_profiling())
        samples: dict[str, list[float]] = {}
        for event in json.loads(path.read_text(encoding="utf-8")):
            name = str(event.get("name", ""))
            if event.get("cat") == "Node" and name.endswith(KERNEL):
                samples.setdefault(name[: -len(KERNEL)], []).append(event["dur"] / 1e3)
        self._folder.cleanup()
        return mean_by_name(samples, skip)
