"""The residual refinement as it is exported: it reads what the network made before the picture.

Engines run what a node reads in its order. Were the rendered frame first, all the maps that the
bokeh head reads would wait in memory while the renderer runs.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bokehflow.export.lowering.maps import constant
from bokehflow.layers.heads import ResidualRefinement


class LoweredRefinement(ResidualRefinement):
    """`ResidualRefinement` with the channels that its first convolution reads in another order."""

    def __init__(self, refinement: ResidualRefinement) -> None:
        super().__init__()
        self.load_state_dict(refinement.state_dict())
        rendered, rest = torch.split(self.first.weight.detach(), [3, 7], dim=1)
        frame, hint, radius = torch.split(rest, [3, 3, 1], dim=1)
        reordered = torch.cat([hint, frame, radius, rendered], dim=1)
        self.first.weight = constant(reordered)

    def forward(self, rendered: Tensor, frame: Tensor, hint: Tensor, radius_px: Tensor) -> Tensor:
        """As `ResidualRefinement`."""
        return self.mend(torch.cat([hint, frame, radius_px, rendered], dim=1))
