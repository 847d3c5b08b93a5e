"""Where a film cuts from one shot to the next: where its frames stop looking alike from afar.

Frames are compared by the colours of a few large cells, as a correlation: exposure, flashes and
fades change it little, and a camera that moves changes it little from frame to frame.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

CELLS = 4
"""Along each side of a frame. Finer ones take a fast pan for a cut."""
ALIKE = 0.85
"""The least correlation of frames of one shot."""
LEAST_CONTRAST = 0.02
"""Standard deviation of sRGB over the cells below which a frame, as a black one, tells nothing."""


class CutFinder:
    """Is shown every frame of a film, in their order."""

    def __init__(self) -> None:
        self._last: Tensor | None = None

    def begins_shot(self, image: Tensor) -> bool:
        """Whether a frame, [1, 3, H, W] sRGB 0..1, belongs to another shot than those before it.

        False for the first one. Frames without contrast are passed over.
        """
        cells = F.adaptive_avg_pool2d(image, CELLS).flatten()
        if float(cells.std()) < LEAST_CONTRAST:
            return False
        deviations = cells - cells.mean()
        last, self._last = self._last, deviations / deviations.norm()
        return last is not None and float(last @ self._last) < ALIKE
