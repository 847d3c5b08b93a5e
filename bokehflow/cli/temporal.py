"""How the state goes from frame to frame, as `--tsp` and `--segments` say."""

from __future__ import annotations

from bokehflow.cli.render_options import DEFAULT_SEGMENTS
from bokehflow.layers.segments import TemporalConfig


def temporal_config(tsp: str, segments: int | None) -> TemporalConfig:
    """segments: None is as many as the mode has by default. Raises as `TemporalConfig` does."""
    whole = TemporalConfig(tsp)
    if segments is not None:
        return TemporalConfig(tsp, segments)
    return TemporalConfig(tsp, DEFAULT_SEGMENTS) if whole.is_segmented else whole
