"""Are a depth map's outlines where the truth has them?

An edge is where depths next to each other differ by more than a quarter, so no scale changes it.
Found and true edges may lie two pixels apart.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from bokehflow.benchmarks.planes import Mask, Plane

JUMP_RATIO = 1.25
TOLERANCE_PX = 2


def depth_edges(depth_m: Plane) -> Mask:
    """Pixels in whose 3x3 neighbourhood depth [H, W] (above 0) changes by more than JUMP_RATIO."""
    log_depth = np.log(depth_m)
    change = ndimage.maximum_filter(log_depth, 3) - ndimage.minimum_filter(log_depth, 3)
    edges: Mask = change > math.log(JUMP_RATIO)
    return edges


def edge_f1(truth_m: Plane, test_m: Plane, known: Mask, near: Mask) -> float | None:
    """F1 of the edges of depth maps [H, W] in metres, 0..1; None where the truth has no edge.

    known: where the truth was measured. What is beside a hole in it is no edge, in either map.
    near: where it is near enough to be judged; edges within what is not, as the sky, are no fault.
    """
    judged = ndimage.minimum_filter(known, 3) & _close_to(near)
    found, true = depth_edges(test_m) & judged, depth_edges(truth_m) & judged
    if not true.any():
        return None
    if not found.any():
        return 0.0
    precision = float(_close_to(true)[found].mean())
    recall = float(_close_to(found)[true].mean())
    return 2.0 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _close_to(marked: Mask) -> Mask:
    """Pixels within TOLERANCE_PX of a marked one."""
    close: Mask = ndimage.distance_transform_edt(~marked) <= TOLERANCE_PX
    return close
