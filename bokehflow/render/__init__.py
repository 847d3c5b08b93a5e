"""From a sharp frame and its depth to the photograph a lens would have taken."""

from bokehflow.render.config import QUALITIES, Quality, RenderConfig
from bokehflow.render.functional import render
from bokehflow.render.renderer import Renderer
from bokehflow.render.upsample import EdgeAwareUpsample

__all__ = ["QUALITIES", "EdgeAwareUpsample", "Quality", "RenderConfig", "Renderer", "render"]
