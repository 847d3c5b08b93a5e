"""From a sharp frame and its depth to the photograph a lens would have taken."""

from bokehflow.rendering.config import QUALITIES, Quality, RenderConfig
from bokehflow.rendering.functional import render
from bokehflow.rendering.renderer import Renderer
from bokehflow.rendering.upsample import EdgeAwareUpsample

__all__ = ["QUALITIES", "EdgeAwareUpsample", "Quality", "RenderConfig", "Renderer", "render"]
