"""A still as a clip: the view moves over it, as a camera that pans.

Few clips were filmed with exact truth and many stills were. A view that moves over a still shows
motion that is known exactly; what it cannot show is parallax and things that move.
"""

from __future__ import annotations

import itertools

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
    flow = [_flow(*pair, target) for pair in itertools.pairwise(views)]
    return seen[0]._replace(
        frames=torch.cat([one.frames[:, :1] for one in seen], dim=1),
        bokeh=torch.cat([one.bokeh[:, :1] for one in seen], dim=1),
        inverse_depth=torch.cat([one.inverse_depth[:, :1] for one in seen], dim=1),
        flow=torch.stack(flow).unsqueeze(0),
        flow_valid=torch.ones(1, len(flow), 1, target.height, target.width),
    )


def _flow(before: View, now: View, target: Size) -> torch.Tensor:
    """[2, H, W] in px of the target, from the view now to the one before."""
    right = (now.left - before.left) * target.width / now.width
    down = (now.top - before.top) * target.height / now.height
    moved = torch.tensor([-right if now.mirrored else right, down], dtype=torch.float32)
    return moved.view(2, 1, 1).expand(2, target.height, target.width)
