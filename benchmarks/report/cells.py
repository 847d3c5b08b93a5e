"""Figures as short texts, the same in the page, in Markdown and in a terminal."""

from __future__ import annotations

from bokehflow.benchmarks.evaluation.flicker import FlickerScore
from bokehflow.benchmarks.tables import NONE, fixed

MOST_DB = 100.0
"""Above it pictures are the same for every eye, and the digits tell rounding alone: nor do charts
go higher."""


def decibels(value: float | None) -> str:
    """Decibels; what lies above MOST_DB is only told to."""
    if value is None:
        return NONE
    return f"> {MOST_DB:.0f}" if value > MOST_DB else f"{value:.1f}"


def pair(psnr_db: float | None, ssim: float | None) -> str:
    """PSNR in dB and SSIM."""
    return NONE if psnr_db is None else f"{decibels(psnr_db)} / {fixed(ssim, 4)}"


def percent_change(found: float, before: float) -> str:
    """Relative change with its sign."""
    return f"{100.0 * (found / before - 1.0):+.1f} %" if before else NONE


def megabytes(size: int | None) -> str:
    """Bytes in megabytes."""
    return NONE if size is None else f"{size / 1e6:.2f} MB"


def milliseconds(p50: float | None, p90: float | None) -> str:
    """Median and 90th percentile."""
    return NONE if p50 is None else f"{p50:.1f} / {fixed(p90, 1)}"


def flicker(score: FlickerScore | None) -> str:
    """Change of the picture along its motion, in 8-bit levels."""
    return NONE if score is None else f"{score.bokeh_levels:.3f}"
