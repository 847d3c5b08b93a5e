"""Every tolerance of the tests, once, with its reason."""

from __future__ import annotations

from torch import Tensor

# --- calibration: the exact tracer -----------------------------------------------------------
TRACER_SHIFT = 1e-5
"""A shift is a copy or one linear interpolation in float32; the radius comes from the lens."""
TRACER_WARP = 1e-4
"""The same through grid_sample, whose normalised float32 coordinates round to 1e-5 texels."""
TRACER_FIELD = 5e-3
"""A fixed point found to 1e-3 px, on white noise whose slope reaches 2 per px."""
TRACER_COVERAGE = 6e-3
"""1024 samples against the closed-form share of a disk, averaged over no pixel width."""
TRACER_CONVERGENCE_RMS = 0.01
"""256 against 1024 samples on white noise at radius 7, the hardest picture there is."""
LENS_MOMENT = 2e-3
"""Second moments of 1024 well-spread points; random ones would miss by 1e-2."""
LENS_CENTRE = 1e-12
"""The mean of the samples is subtracted, in float64."""

# --- media -------------------------------------------------------------------------------------
JPEG_MEAN_LEVELS = 1.0
"""Mean error in 8-bit levels of a small gradient through JPEG at quality 95; 0.59 measured."""
VIDEO_MEAN_LEVELS = 3.0
"""The same through H.264 at CRF 18 in 4:2:0; 1.5 measured on 64x48 moving gradients."""
LOSSLESS_VIDEO_LEVELS = 2
"""Largest error in levels of a lossless 4:4:4 clip: RGB to 8-bit YCbCr and back, two roundings."""

# --- core ml evaluator ---------------------------------------------------------------------------
MIL_FP32 = 3e-6
"""Absolute and relative: the same float32 arithmetic as torch, in another order."""
MIL_FP16_SQNR_DB = 55.0
"""A few roundings to 11 bits, 72 dB each, through slopes of up to 3 (pow, exp)."""
MIL_INT8_WEIGHTS_SQNR_DB = 35.0
"""Two convolutions with weights in 8 bits a channel: steps of 1/127 of the largest, 40 dB."""

# --- kernels -----------------------------------------------------------------------------------
# Relative RMS of a scan against the float64 recurrence on the same (already rounded) inputs.
SCAN_FP32 = 2e-6
"""IEEE fp32 through a chunk's dozen products; 1e-7 to 3e-7 measured."""
SCAN_FP16 = 1e-2
"""Outputs rounded to fp16 and, on a GPU, TF32 products: 1e-3 each, over a long scan."""
SCAN_BF16 = 3e-2
"""Outputs rounded to bf16 (2e-3 alone); products carry three more bits than that."""
SCAN_FP64 = 1e-13
"""The CPU recurrence in float64: the same arithmetic in another order."""
SCAN_GRADIENT_FACTOR = 3.0
"""Gradients pass through about three times as many roundings as the outputs."""

# --- optics, scan, network -----------------------------------------------------------------------
OPTICS = 1e-12
"""The same few products in float64, in another order."""
SCAN_CHUNKED_FP32 = 2e-6
"""The chunked form in float32 against the float64 recurrence: 1e-7 to 1e-6 measured, the most where
a state is a sum of hundreds of nearly parallel updates."""
SCAN_CHUNKED_FP64 = 1e-12
"""The chunked form in float64: the same sums in another order."""
FP32_EQUAL = 1e-5
"""One float32 computation against another order of the same one."""
TABLE_SHARE = 0.03
"""How far a variant's parameter count may lie from the founding document's table."""
EIGHT_BIT_STEP = 1.0 / 255.0
"""What a viewer could see: one level of an 8-bit picture."""


def relative_rms(reference: Tensor, test: Tensor) -> float:
    """RMS of the error over RMS of the reference; over 1 where the reference is zero."""
    error = (test.double() - reference.double()).square().mean().sqrt()
    size = reference.double().square().mean().sqrt()
    return float(error / size) if size > 0 else float(error)
