"""PyTorch in eager mode: not the file but the model it was exported from. Needs BokehFlow."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from .engine import Load, mean_by_name
from .recorded import RecordedCall

DTYPES = {"fp32": None, "fp16": "float16", "bf16": "bfloat16"}


class TorchEngine:
    """The artifact's reference, its weights included."""

    def __init__(self, load: Load) -> None:
        import torch

        from bokehflow.benchmarks.latency.eager import eager_pipeline

        if load.threads is not None:
            torch.set_num_threads(load.threads)
        self._torch: Any = torch
        kind = load.arguments.get("device", "cpu")
        self._on_cuda = kind == "cuda"
        if self._on_cuda and not torch.cuda.is_available():
            raise ValueError("device 'cuda': torch sees no CUDA device")
        self.device = f"cuda, {torch.cuda.get_device_name()}" if self._on_cuda else kind
        self._place = torch.device(kind)
        scan = load.arguments.get("scan", "chunked")
        self.module, specs = eager_pipeline(load.manifest, scan)
        self.module.to(self._place)
        half = DTYPES[load.arguments.get("precision", "fp32")]
        dtype = None if half is None else getattr(torch, half)
        self._autocast: Any = functools.partial(
            torch.autocast, kind, dtype, enabled=dtype is not None
        )
        recorded = load.arguments.get("graph") == "on"
        if recorded and not self._on_cuda:
            raise ValueError("graph 'on': CUDA graphs need device=cuda")
        if recorded:
            # For good: a graph reads the weights that autocast has converted and keeps.
            self._kept = contextlib.ExitStack()
            self._kept.enter_context(self._autocast())
        self._call: Any = RecordedCall(self.module) if recorded else self.module
        self._outputs = specs.outputs
        self.version, self.input_shapes = torch.__version__, specs.input_shapes

    def put(self, array: np.ndarray) -> Any:
        return self._torch.from_numpy(array).to(self._place)

    def get(self, value: Any) -> np.ndarray:
        array: np.ndarray = value.float().cpu().numpy()
        return array

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        with self._torch.inference_mode(), self._autocast():
            values = self._call(*(feeds[name] for name in self.input_shapes))
        self.wait()
        return dict(zip(self._outputs, values))

    def wait(self) -> None:
        """Until the device has computed everything asked of it."""
        if self._on_cuda:
            self._torch.cuda.synchronize()

    def device_peak_bytes(self) -> int | None:
        return int(self._torch.cuda.max_memory_allocated()) if self._on_cuda else None


class TorchProfiler:
    """The same with a clock in every module: a module's own time, without its children's."""

    def __init__(self, load: Load) -> None:
        arguments = {key: value for key, value in load.arguments.items() if key != "graph"}
        self.engine = TorchEngine(dataclasses.replace(load, arguments=arguments))
        self._samples: dict[str, list[float]] = {}
        self._children_ms = [0.0]
        self._started: list[float] = []
        for name, module in self.engine.module.named_modules():
            module.register_forward_pre_hook(self._enter)
            module.register_forward_hook(self._leave_as(f"{name or 'pipeline'}/module"))

    def _enter(self, *_: Any) -> None:
        self.engine.wait()
        self._started.append(time.perf_counter())
        self._children_ms.append(0.0)

    def _leave_as(self, name: str) -> Any:
        def leave(*_: Any) -> None:
            self.engine.wait()
            whole_ms = (time.perf_counter() - self._started.pop()) * 1e3
            own_ms = whole_ms - self._children_ms.pop()
            self._children_ms[-1] += whole_ms
            self._samples.setdefault(name, []).append(own_ms)

        return leave

    def nodes(self, skip: int) -> dict[str, float]:
        frames = len(self._samples["pipeline/module"])
        by_frame = {
            name: [sum(part) for part in np.array_split(np.array(values), frames)]
            for name, values in self._samples.items()
        }
        return mean_by_name(by_frame, skip)
