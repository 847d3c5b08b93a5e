"""Maps of one number a pixel, [H, W], as scores take them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]
