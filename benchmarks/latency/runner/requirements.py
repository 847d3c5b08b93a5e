"""What each runtime needs of the machine. Standard library only: asked before numpy is there."""

from __future__ import annotations

import importlib.util
import sys

MODULES = {
    "onnxruntime": ("numpy", "onnxruntime"),
    "openvino": ("numpy", "openvino"),
    "coreml": ("numpy", "coremltools"),
    "torch": ("numpy", "torch", "bokehflow"),
}
"""Modules that must be importable, by runtime."""
ONLY_ON = {"coreml": ("darwin", "macOS")}
"""Runtimes of one system: `sys.platform` there, and its name."""


def why_not_here(runtime: str) -> str | None:
    """The reason for which a runtime cannot run on this system, None if it can."""
    if runtime not in ONLY_ON or ONLY_ON[runtime][0] == sys.platform:
        return None
    return f"{runtime} runs on {ONLY_ON[runtime][1]} only"


def missing_modules(runtime: str) -> list[str]:
    """The modules that a runtime needs and that are not installed here."""
    return [name for name in MODULES[runtime] if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    """Not by a folder of that name, such as a clone, in which Python sees a package, too."""
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None
