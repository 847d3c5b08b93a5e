"""A still as a clip: the view moves over it, as a camera that pans.

Few clips were filmed with exact truth and many stills were. A view that moves over a still shows
motion that is known exactly; what it cannot show is parallax and things that move.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch

from bokehflow.calibration.data.clip import Clip
from bokehflow.specs import Size
from bokehflow.training.batch import Batch
from bokehflow.training.view import View, look, random_view

RESTING_SHARE = 0.25
"""Of the cameras, those that do not move: most that film do not for most of the time."""


def random_pan(
    rng: np.random.Generator,
    frame: Size,
    target: Size,
    smallest_view: float,
    frames: int,
    fastest: float,
) -> tuple[View, ...]:
    """Views of one size, a frame each, that move evenly until they meet the frame's border.

    fastest: the most that a view moves from one to the next, as a share of its sides.
    """
    first = random_view(rng, frame, target, smallest_view)
    down, right = rng.uniform(-fastest, fastest, size=2) * (first.height, first.width)
    if rng.random() < RESTING_SHARE:
        down = right = 0.0
    lowest, rightmost = frame.height - first.height, frame.width - first.width
    return tuple(
        first._replace(
            top=min(max(round(first.top + t * down), 0), lowest),
            left=min(max(round(first.left + t * right), 0), rightmost),
        )
        for t in range(frames)
    )


def look_along(
    still: Clip,
    views: tuple[View, ...],
    target: Size,
    canonical_fov_deg: float,
    *,
    with_bokeh: bool = True,
) -> Batch:
    """A clip's first frame seen in one view after another, all of one size, as a batch of one.

    Flow is how the views moved; it is valid everywhere, places outside the view before excepted,
    which the losses leave out.
    """
    seen = [look(still, view, target, canonical_fov_deg, with_bokeh=with_bokeh) for view in views]
    moved = torch.tensor(flow_of(views, target), dtype=torch.float32).view(1, -1, 2, 1, 1)
    return seen[0]._replace(
        frames=torch.cat([one.frames[:, :1] for one in seen], dim=1),
        bokeh=torch.cat([one.bokeh[:, :1] for one in seen], dim=1),
        inverse_depth=torch.cat([one.inverse_depth[:, :1] for one in seen], dim=1),
        flow=moved.expand(-1, -1, -1, target.height, target.width),
        flow_valid=torch.ones(1, moved.shape[1], 1, target.height, target.width),
    )


def flow_of(views: Sequence[View], target: Size) -> list[tuple[float, float]]:
    """(x, y) in px of the target, from each view to the one before."""
    flow = []
    for before, now in itertools.pairwise(views):
        right = (now.left - before.left) * target.width / now.width
        down = (now.top - before.top) * target.height / now.height
        flow.append((-right if now.mirrored else right, down))
    return flow
