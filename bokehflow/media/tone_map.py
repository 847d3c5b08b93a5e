"""High dynamic range as sRGB, whose white is the reference white that such video is made for.

A signal becomes the light of its display, HLG's of 1000 cd/m2. The brightest of a pixel's three
channels is rolled off so that what is brighter than white keeps its detail, the other two follow
in proportion, and BT.2020's primaries become BT.709's.
Sources: Recommendation ITU-R BT.2100-2, tables 4 (PQ) and 5 (HLG); reports BT.2408 (reference
white) and BT.2390-10, section 5.4.1 (the roll-off, without its lift of black).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from bokehflow.srgb import linear_to_srgb

Transfer = Literal["HLG", "PQ"]
HDR_TRANSFERS: dict[int, Transfer] = {16: "PQ", 18: "HLG"}
"""By their numbers in ITU-T H.273."""

WHITE_NITS = 203.0
PEAK_NITS = 1000.0
"""Of HLG's reference display, and what PQ is mastered for more often than for anything else."""
PQ_MAX_NITS = 10_000.0
HLG_GAMMA = 1.2
"""System gamma of a display of 1000 cd/m2."""
BT2020_LUMINANCE = (0.2627, 0.6780, 0.0593)
BT709_FROM_BT2020 = (
    (1.660491, -0.587641, -0.072850),
    (-0.124550, 1.132900, -0.008349),
    (-0.018151, -0.100579, 1.118730),
)
_HLG_A = 0.17883277
_HLG_B, _HLG_C = 1.0 - 4.0 * _HLG_A, 0.55991073
_PQ_M1, _PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
_PQ_C1, _PQ_C2, _PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def tone_mapped(signal: Tensor, transfer: Transfer) -> Tensor:
    """sRGB in 0..1 of an HLG or PQ signal in 0..1 with BT.2020's primaries; both [1, 3, H, W]."""
    nits = hlg_to_nits(signal) if transfer == "HLG" else pq_to_nits(signal)
    brightest = nits.amax(1, keepdim=True)
    shown = nits * (rolled_off(brightest) / brightest.clamp(min=torch.finfo(nits.dtype).tiny))
    matrix = torch.tensor(BT709_FROM_BT2020, dtype=nits.dtype)
    return linear_to_srgb(torch.einsum("ij,bjhw->bihw", matrix, shown / WHITE_NITS))


def hlg_to_nits(signal: Tensor) -> Tensor:
    """Light of HLG's reference display, cd/m2: inverse OETF, then OOTF."""
    curve = (((signal - _HLG_C) / _HLG_A).exp() + _HLG_B) / 12.0
    scene = torch.where(signal <= 0.5, signal.square() / 3.0, curve)
    weights = torch.tensor(BT2020_LUMINANCE, dtype=signal.dtype)[:, None, None]
    luminance = (scene * weights).sum(1, keepdim=True)
    return PEAK_NITS * luminance ** (HLG_GAMMA - 1.0) * scene


def pq_to_nits(signal: Tensor) -> Tensor:
    """Light of a PQ signal in 0..1, cd/m2: its EOTF."""
    root = signal ** (1.0 / _PQ_M2)
    ratio = (root - _PQ_C1).clamp(min=0.0) / (_PQ_C2 - _PQ_C3 * root)
    return PQ_MAX_NITS * ratio ** (1.0 / _PQ_M1)


def nits_to_pq(nits: Tensor) -> Tensor:
    """The way back."""
    power = (nits / PQ_MAX_NITS) ** _PQ_M1
    return ((_PQ_C1 + _PQ_C2 * power) / (1.0 + _PQ_C3 * power)) ** _PQ_M2


def rolled_off(nits: Tensor) -> Tensor:
    """Light up to PEAK_NITS as a display of WHITE_NITS shows it: unchanged where it is dark, then
    by a Hermite spline that ends flat at its white."""
    white, peak = nits_to_pq(nits.new_tensor((WHITE_NITS, PEAK_NITS)))
    level, highest = (nits_to_pq(nits) / peak).clamp(max=1.0), white / peak
    knee = 1.5 * highest - 0.5
    t = ((level - knee) / (1.0 - knee)).clamp(min=0.0)
    spline = (
        (2.0 * t**3 - 3.0 * t**2 + 1.0) * knee
        + (t**3 - 2.0 * t**2 + t) * (1.0 - knee)
        + (3.0 * t**2 - 2.0 * t**3) * highest
    )
    return torch.where(level < knee, nits, pq_to_nits(spline * peak))
