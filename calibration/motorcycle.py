"""The Middlebury Motorcycle pair: two real photos with measured depth, inside scikit-image's wheel.

Source: Scharstein et al., "High-resolution stereo datasets with subpixel-accurate ground truth"
(GCPR 2014); the calibration of scikit-image's reduced version is in its documentation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import skimage.data
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from bokehflow.media.levels import from_uint8

FOCAL_PX = 994.978
BASELINE_M = 0.193001
PRINCIPAL_POINT_SHIFT_PX = 31.086
FOV_DEG = float(np.degrees(2 * np.arctan(741 / 2 / FOCAL_PX)))


class StereoPhotos(NamedTuple):
    """left, right: sRGB 0..1, [1, 3, 500, 741]; depth_m: of the left one, [1, 1, 500, 741];
    measured: where that depth was measured rather than filled, [500, 741] bool."""

    left: Tensor
    right: Tensor
    depth_m: Tensor
    measured: NDArray[np.bool_]


def motorcycle() -> StereoPhotos:
    """Load the pair. Pixels that stereo could not measure get a neighbour's depth.

    A hole takes the farther of the nearest measured depths to its left and right: holes lie where
    one camera looks past an object, at what is behind it.
    """
    left, right, disparity = skimage.data.stereo_motorcycle()
    measured = np.isfinite(disparity)
    known = np.where(measured, disparity, 0.0)
    depth = FOCAL_PX * BASELINE_M / (known + PRINCIPAL_POINT_SHIFT_PX)
    filled = np.where(measured, depth, _behind(depth, measured)).astype(np.float32)
    return StereoPhotos(
        from_uint8(left), from_uint8(right), torch.from_numpy(filled)[None, None], measured
    )


def _behind(depth: NDArray[np.float64], measured: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For every pixel the farther of the nearest measured depths on its row."""
    columns = np.arange(depth.shape[1])[None, :]
    last = np.maximum.accumulate(np.where(measured, columns, -1), axis=1)
    after = np.where(measured, columns, depth.shape[1])[:, ::-1]
    following = np.minimum.accumulate(after, axis=1)[:, ::-1]
    from_left = np.take_along_axis(depth, np.clip(last, 0, None), axis=1)
    from_right = np.take_along_axis(depth, np.clip(following, None, depth.shape[1] - 1), axis=1)
    from_left = np.where(last >= 0, from_left, 0.0)
    from_right = np.where(following < depth.shape[1], from_right, 0.0)
    farther = np.maximum(from_left, from_right)
    # A row without any measurement takes its neighbour's.
    empty = farther == 0.0
    nearest = ndimage.distance_transform_edt(empty, return_distances=False, return_indices=True)
    filled: NDArray[np.float64] = farther[tuple(nearest)]
    return filled
