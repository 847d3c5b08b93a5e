"""What commands and functions take where nothing is said. Imports nothing that `bfx --help` would
have to wait for."""

from __future__ import annotations

from pathlib import Path

OUTPUT_DIR = Path("dist")
"""Where exports are written."""
TRUTH_LOSS_DB = 0.3
"""Bokeh PSNR against truth that a quantized artifact may lose: what recipes keep, and what reports
call a bar."""
VARIANT = "nano"
SEGMENTS = 4
"""Pieces of a scan with a state each, where the state goes on in segments."""
CALIBRATION_SAMPLES = 64
"""Frames that a quantization is calibrated on."""
CLIP_SIZE_PX = (256, 256)
"""Height and width of the clips that are made for training."""
QUALITY_SIZE_PX = (360, 480)
"""Height and width of the scenes that the renderer is measured on; its bars hold at this size."""

TIMED_FRAMES, WARMUP_FRAMES = 100, 10
"""Of `bfx benchmark`."""
BENCHMARK_TIMEOUT_S = 600.0
"""For one artifact."""

EVALUATION_SCAN = "chunked"
EVALUATION_PAIRS = ("motorcycle", "aloe")
"""Real photos with measured depth."""
TREND_STILLS = 8
"""Of each source, for every snapshot of a run."""

FILM_FRAMES, EVALUATED_FILM_FRAMES = 30, 4
"""Of a report's film; the second for what a stand-in evaluates far more slowly than its engine."""
REPORT_CLIPS = 6
"""Of each source, at most."""
TIMING_ROUNDS = 3
