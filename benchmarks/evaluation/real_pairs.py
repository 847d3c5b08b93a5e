"""Depth of real photos: the Middlebury Motorcycle in metres, the Aloe up to a scale and a shift."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bokehflow.benchmarks.evaluation.clip_study import CONSTANT, NETWORK, OWN_GRADIENT, depth_rows
from bokehflow.benchmarks.evaluation.depth_scores import DepthScore, delta1
from bokehflow.benchmarks.evaluation.gradient import fit_gradient
from bokehflow.benchmarks.evaluation.sight import Sight
from bokehflow.benchmarks.planes import Mask, Plane
from bokehflow.calibration.aloe import DisparityPhoto, aloe, require_aloe
from bokehflow.calibration.motorcycle import FOV_DEG, motorcycle
from bokehflow.errors import UnknownNameError
from bokehflow.optics import Lens

MOTORCYCLE, ALOE = "motorcycle", "aloe"
PAIRS = (MOTORCYCLE, ALOE)
LENS = Lens()
"""Nobody took these photos through a lens of ours: the network is told the default one, focused as
`bfx render` focuses it."""
SMALLEST_SHARE = 1e-3
"""Fitted disparities stay above this share of the truth's median."""


@dataclass(frozen=True, slots=True)
class DisparityScore:
    """Inverse depth after the scale (not below 0) and the shift that fit it best.

    abs_rel: mean |error| / truth. delta1: share within a factor of 1.25. correlation: Pearson's,
    None for a map that is the same everywhere.
    """

    abs_rel: float
    delta1: float
    correlation: float | None


def require_pairs(names: tuple[str, ...]) -> None:
    """Raise UnknownNameError for a pair that does not exist, InputError for one not installed."""
    for name in names:
        if name not in PAIRS:
            raise UnknownNameError("pair", name, PAIRS)
    if ALOE in names:
        require_aloe()


def study_motorcycle(sight: Sight) -> dict[str, DepthScore]:
    """Depth of the left photo, whose field of view is known, where stereo measured it."""
    photos = motorcycle()
    seen = sight.see(photos.left, sight.autofocused(photos.left, LENS, FOV_DEG), FOV_DEG)
    inverse_depth = 1.0 / photos.depth_m[0, 0].numpy()
    gradient = fit_gradient(inverse_depth, photos.measured)
    seen_m = {NETWORK: seen.depth[0, 0].numpy()}
    rows = depth_rows(inverse_depth, seen_m, photos.measured, gradient)
    return {name: rows[name] for name in (NETWORK, CONSTANT, OWN_GRADIENT)}


def study_aloe(sight: Sight, photo: DisparityPhoto | None = None) -> dict[str, DisparityScore]:
    """Inverse depth of the Aloe, whose field of view and scale nobody tells.

    photo: None takes the installed one. Raises InputError where it is not installed.
    """
    photo = photo or aloe()
    seen = sight.see(photo.image, sight.autofocused(photo.image, LENS, None), None)
    height, width = photo.disparity.shape
    gradient = fit_gradient(photo.disparity, photo.measured)
    maps = {
        NETWORK: 1.0 / seen.depth[0, 0].numpy(),
        CONSTANT: gradient.flattened().inverse_depth(height, width),
        OWN_GRADIENT: gradient.inverse_depth(height, width),
    }
    return {
        name: score_disparity(photo.disparity, test, photo.measured) for name, test in maps.items()
    }


def score_disparity(truth: Plane, test: Plane, known: Mask) -> DisparityScore:
    """Score inverse depth [H, W] of any unit against disparity [H, W] by least squares.

    A map that lies the wrong way round is fitted by a constant, not by turning it over.
    """
    reference = truth[known].astype(np.float64)
    centred = test[known].astype(np.float64)
    centred = centred - centred.mean()
    spread, together = float((centred**2).mean()), float((centred * reference).mean())
    flat = spread <= np.finfo(np.float32).eps * float(np.square(test[known]).mean())
    scale = 0.0 if flat else max(0.0, together / spread)
    fitted = reference.mean() + scale * centred
    fitted = np.maximum(fitted, SMALLEST_SHARE * np.median(reference))
    return DisparityScore(
        abs_rel=float((np.abs(fitted - reference) / reference).mean()),
        delta1=delta1(reference, fitted),
        correlation=None if flat else together / float(np.sqrt(spread) * reference.std()),
    )
