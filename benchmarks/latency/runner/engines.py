"""Every runtime by name: how its model is loaded, and how it is loaded to be profiled."""

from __future__ import annotations

from collections.abc import Callable

from .coreml_engine import CoreMLEngine
from .engine import Engine, Load, Profiler
from .onnxruntime_engine import OnnxRuntimeEngine, OnnxRuntimeProfiler
from .openvino_engine import OpenVinoEngine, OpenVinoProfiler
from .torch_engine import TorchEngine, TorchProfiler

ENGINES: dict[str, Callable[[Load], Engine]] = {
    "onnxruntime": OnnxRuntimeEngine,
    "openvino": OpenVinoEngine,
    "coreml": CoreMLEngine,
    "torch": TorchEngine,
}
PROFILERS: dict[str, Callable[[Load], Profiler]] = {
    "onnxruntime": OnnxRuntimeProfiler,
    "openvino": OpenVinoProfiler,
    "torch": TorchProfiler,
}
"""Runtimes that tell the time of their nodes."""
