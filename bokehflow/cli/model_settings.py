"""What options add up to: how a model renders, and how its state goes from frame to frame."""

from __future__ import annotations

from typing import cast

from bokehflow.cli.given import or_default
from bokehflow.cli.render_options import RendererOptions
from bokehflow.defaults import SEGMENTS
from bokehflow.errors import UsageError
from bokehflow.layers.segments import TemporalConfig
from bokehflow.rendering import Quality, RenderConfig


def render_config(look: RendererOptions, default_quality: str) -> RenderConfig:
    """The renderer's settings. Raises UsageError for blades that are turned where there are none,
    and as `RenderConfig` does, which tells the nearest name."""
    if look.blade_rotation_deg is not None and not look.blades:
        raise UsageError("--blade-rotation-deg without --blades", "straight blades for it to turn")
    return RenderConfig(
        quality=cast(Quality, or_default(look.quality, default_quality)),
        blades=or_default(look.blades, 0),
        blade_rotation_deg=or_default(look.blade_rotation_deg, 0.0),
        highlight_recovery=or_default(look.highlights, 0.0),
    )


def temporal_config(tsp: str, segments: int | None) -> TemporalConfig:
    """segments: None is as many as the mode has by default. Raises as `TemporalConfig` does."""
    whole = TemporalConfig(tsp)
    if segments is not None:
        return TemporalConfig(tsp, segments)
    return TemporalConfig(tsp, SEGMENTS) if whole.is_segmented else whole
