"""How long the graph's renderer takes on this machine, eagerly in torch."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import torch

from bokehflow.rendering import Quality, RenderConfig, Renderer

FRAMES = ((360, 480, 15.0), (720, 1280, 40.0))
"""Height, width and largest blur radius in pixels."""
REPEATS = 5


@dataclass(frozen=True, slots=True)
class FrameTime:
    """Median and least seconds for one frame, after one that is not counted."""

    height: int
    width: int
    radius_px: float
    threads: int
    median_s: float
    least_s: float


def measure_speed(quality: Quality) -> list[FrameTime]:
    """Time a frame of noise whose blur radius runs over the whole range, at each size."""
    return [_frame_time(quality, *frame) for frame in FRAMES]


def _frame_time(quality: Quality, height: int, width: int, radius_px: float) -> FrameTime:
    renderer = Renderer(height, width, RenderConfig(quality, max_radius_px=radius_px))
    image = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    radius = torch.linspace(-radius_px, radius_px, width).expand(1, 1, height, width).contiguous()
    seconds = []
    with torch.inference_mode():
        for _ in range(1 + REPEATS):
            started = time.perf_counter()
            renderer(image, radius)
            seconds.append(time.perf_counter() - started)
    counted = seconds[1:]
    return FrameTime(
        height,
        width,
        radius_px,
        torch.get_num_threads(),
        statistics.median(counted),
        min(counted),
    )
