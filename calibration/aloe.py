"""The Middlebury Aloe pair: a real photo with measured disparity, in Debian's package opencv-doc.

The package carries no calibration, and the disparities of the 2006 sets are stored without an
offset that belongs to them. So depth is not known in metres: inverse depth is known up to a scale
and a shift, which whoever compares must fit.

Source: Hirschmüller and Scharstein, "Evaluation of cost functions for stereo matching" (CVPR 2007).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bokehflow.errors import InputError, MissingDependencyError
from bokehflow.media import read_photo
from bokehflow.media.pictures import opened_picture

ALOE_FOLDER = Path("/usr/share/doc/opencv-doc/examples/data")
LEFT, DISPARITY = "aloeL.jpg", "aloeGT.png"


class DisparityPhoto(NamedTuple):
    """image: sRGB 0..1, [1, 3, H, W]; disparity: of the same pixels, larger is nearer, float32
    [H, W]; measured: where it is known, bool [H, W]."""

    image: Tensor
    disparity: NDArray[np.float32]
    measured: NDArray[np.bool_]


def require_aloe(folder: Path = ALOE_FOLDER) -> None:
    """Raise MissingDependencyError where the pair is not installed."""
    for name in (LEFT, DISPARITY):
        if not (folder / name).is_file():
            raise MissingDependencyError(
                "opencv-doc",
                None,
                f"the Aloe pair ({folder / name})",
                "apt-get install opencv-doc, or name the pairs that are here with --pairs",
            )


def aloe(folder: Path = ALOE_FOLDER) -> DisparityPhoto:
    """The left photo and its disparity. Raises MissingDependencyError where the pair is not
    installed, and MediaError where a file of it is damaged."""
    require_aloe(folder)
    image = read_photo(folder / LEFT)
    with opened_picture(folder / DISPARITY, "a picture of disparities") as picture:
        disparity = np.asarray(picture.convert("L"), dtype=np.float32)
    if disparity.shape != tuple(image.shape[2:]):
        raise InputError(
            f"{DISPARITY} of {disparity.shape} pixels", f"{tuple(image.shape[2:])}, as {LEFT}"
        )
    return DisparityPhoto(image, disparity, disparity > 0)
