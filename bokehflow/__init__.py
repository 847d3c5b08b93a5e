"""BokehFlow: metric depth and thin-lens bokeh for photos and video, and the way onto a phone."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bokehflow.errors import BokehFlowError
from bokehflow.optics import Lens

if TYPE_CHECKING:
    from bokehflow.model import BokehFlow, Frame, ModelConfig, load_model
    from bokehflow.rendering import RenderConfig, render

__version__ = "0.1.0"

__all__ = [
    "BokehFlow",
    "BokehFlowError",
    "Frame",
    "Lens",
    "ModelConfig",
    "RenderConfig",
    "load_model",
    "render",
]

_LAZY = {
    "BokehFlow": "bokehflow.model",
    "Frame": "bokehflow.model",
    "ModelConfig": "bokehflow.model",
    "load_model": "bokehflow.model",
    "RenderConfig": "bokehflow.rendering",
    "render": "bokehflow.rendering",
}


def __getattr__(name: str) -> Any:
    # torch takes a second to import; `bfx --help` must not wait for it.
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
