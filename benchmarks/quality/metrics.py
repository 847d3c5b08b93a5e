"""How far a rendered picture is from the truth: PSNR and SSIM by region, and light lost or made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from skimage.metrics import structural_similarity
from torch import Tensor

from bokehflow.benchmarks.planes import Mask, Plane
from bokehflow.benchmarks.quality.regions import find_regions
from bokehflow.errors import NumericalError, SizeError
from bokehflow.srgb import SLOPE, srgb_to_linear

PSNR_CEILING_DB = 100.0
"""What equal pictures get: the decibels of an error of 1e-5, so that means stay finite."""
SSIM_WINDOW_PX = 11
SMALLEST_SHARE = 0.002
"""A region smaller than this share of the frame is not scored: its figure would be chance."""
DARKEST_LIGHT = 1.0 / 255.0 / SLOPE
"""Mean linear light that a black truth counts as, so that light made of nothing stays finite."""


@dataclass(frozen=True, slots=True)
class RegionScore:
    """PSNR in dB and mean SSIM, both of sRGB values 0..1.

    The SSIM of every pixel counts, at the border of mirrored windows; scikit-image's own mean
    leaves half a window out there.
    """

    psnr_db: float
    ssim: float


@dataclass(frozen=True, slots=True)
class Score:
    """One picture against its truth. A region that the scene lacks is None.

    energy_error: light of the whole picture over that of the truth, minus 1 (linear light);
    of a truth darker than one step of 8 bits, over DARKEST_LIGHT.
    """

    overall: RegionScore
    edge: RegionScore | None
    in_focus: RegionScore | None
    elsewhere: RegionScore | None
    energy_error: float


def require_scored_size(height: int, width: int) -> None:
    """Raise SizeError for pictures that are smaller than the window of SSIM."""
    if min(height, width) < SSIM_WINDOW_PX:
        raise SizeError(
            f"a picture of {height}x{width} pixels",
            f"sides of at least {SSIM_WINDOW_PX}, the window of SSIM",
        )


def score(truth: Tensor, test: Tensor, radius_px: Tensor) -> Score:
    """Score a rendered picture.

    truth, test: [1, 3, H, W] sRGB 0..1. radius_px: signed blur radius [1, 1, H, W], which
    says where depth edges and the focus are.
    Raises SizeError for a picture of another size or with a side below SSIM_WINDOW_PX, and
    NumericalError for NaN or infinity in it.
    """
    _check(truth, test)
    require_scored_size(*truth.shape[2:])
    regions = find_regions(radius_px)
    error = ((test - truth) ** 2).mean(dim=1)[0].numpy()
    ssim = _ssim_map(truth, test)
    light = srgb_to_linear(test.clamp(0.0, 1.0)).mean()
    true_light = srgb_to_linear(truth).mean()
    return Score(
        overall=RegionScore(_psnr_db(float(error.mean())), float(ssim.mean())),
        edge=_region(error, ssim, regions.edge),
        in_focus=_region(error, ssim, regions.in_focus),
        elsewhere=_region(error, ssim, regions.elsewhere),
        energy_error=float((light - true_light) / true_light.clamp_min(DARKEST_LIGHT)),
    )


def picture_psnr_db(truth: Tensor, test: Tensor, mask: Mask | None = None) -> float:
    """PSNR in dB of sRGB pictures [1, 3, H, W], over the whole frame or a mask [H, W].

    At most PSNR_CEILING_DB; `runtimes.comparison.psnr_db` compares arrays down to their rounding.
    Raises SizeError and NumericalError as `score` does.
    """
    _check(truth, test)
    error = ((test - truth) ** 2).mean(dim=1)[0].numpy()
    return _psnr_db(float(error.mean() if mask is None else error[mask].mean()))


def _check(truth: Tensor, test: Tensor) -> None:
    if test.shape != truth.shape:
        raise SizeError(
            f"a picture of shape {tuple(test.shape)}", f"the truth's {tuple(truth.shape)}"
        )
    if not bool(test.isfinite().all()):
        raise NumericalError("a rendered picture with NaN or infinite values")


def _region(error: Plane, ssim: Plane, mask: Mask) -> RegionScore | None:
    if mask.mean() < SMALLEST_SHARE:
        return None
    return RegionScore(_psnr_db(float(error[mask].mean())), float(ssim[mask].mean()))


def _psnr_db(mean_square: float) -> float:
    if mean_square <= 10.0 ** (-PSNR_CEILING_DB / 10.0):
        return PSNR_CEILING_DB
    return -10.0 * math.log10(mean_square)


def _ssim_map(truth: Tensor, test: Tensor) -> Plane:
    """SSIM at every pixel, [H, W]: 11x11 Gaussian window as in the paper (Wang et al. 2004)."""
    _, per_channel = structural_similarity(
        truth[0].numpy(),
        test[0].numpy(),
        channel_axis=0,
        data_range=1.0,
        gaussian_weights=True,
        use_sample_covariance=False,
        full=True,
    )
    plane: Plane = per_channel.mean(axis=0)
    return plane
