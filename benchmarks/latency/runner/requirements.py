"""What each runtime needs of the machine. Standard library only: asked before numpy is there."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping

MODULES = {
    "onnxruntime": ("numpy", "onnxruntime"),
    "openvino": ("numpy", "openvino"),
    "coreml": ("numpy", "coremltools"),
    "torch": ("numpy", "torch", "bokehflow"),
}
"""Modules that must be importable, by runtime."""
LOADERS = {"torch": ("bokehflow.benchmarks.latency.eager",)}
"""Modules of this project that a runtime loads a model with."""
FOR_ARGUMENTS = {("torch", "scan", "cpu"): "numba", ("torch", "scan", "triton"): "triton"}
"""Those that an argument of a runtime needs beside them."""
ONLY_ON = {"coreml": ("darwin", "macOS")}
"""Runtimes of one system: `sys.platform` there, and its name."""


def why_not_here(runtime: str) -> str | None:
    """The reason for which a runtime cannot run on this system, None if it can."""
    if runtime not in ONLY_ON or ONLY_ON[runtime][0] == sys.platform:
        return None
    return f"{runtime} runs on {ONLY_ON[runtime][1]} only"


def needed_modules(runtime: str, arguments: Mapping[str, str]) -> list[str]:
    """The modules that a runtime needs with these arguments."""
    asked = [(runtime, key, value) for key, value in arguments.items()]
    return [*MODULES[runtime], *(FOR_ARGUMENTS[one] for one in asked if one in FOR_ARGUMENTS)]


def imported_modules(runtime: str, arguments: Mapping[str, str]) -> list[str]:
    """What a runtime imports before it loads a model: the needed ones, and ours that load it."""
    return [*needed_modules(runtime, arguments), *LOADERS.get(runtime, ())]


def missing_modules(runtime: str, arguments: Mapping[str, str]) -> list[str]:
    """Those among them that are not installed here."""
    return [name for name in needed_modules(runtime, arguments) if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    """Not by a folder of that name, such as a clone, in which Python sees a package, too."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None
