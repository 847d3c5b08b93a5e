"""Which lens the network is told of where that is not the clip's own.

A clip's own lens was chosen for its scene: it is focused on something in view, and its f-number
makes the blur there what was wanted. Depth that is only ever learned beside such lenses follows
them, and a user's lens was chosen for nothing.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from bokehflow.calibration.data.lens_choice import any_lens
from bokehflow.optics import MM_PER_M, Lens
from bokehflow.training.config import StageConfig
from bokehflow.training.view import LONGEST_FOCAL_SHARE


class ToldLens(NamedTuple):
    """lens: one that knows nothing of the scene. keeps_focus: but for the focus, which is that of
    the clip's own, as somebody who picks a subject and then an aperture would set it."""

    lens: Lens
    keeps_focus: bool

    def beside(self, own: Lens) -> Lens:
        """The lens that the network is told of where the view's own is this one."""
        if not self.keeps_focus:
            return self.lens
        longest_mm = LONGEST_FOCAL_SHARE * own.focus_m * MM_PER_M
        focal_mm = min(self.lens.focal_length_mm, longest_mm)
        return dataclasses.replace(own, focal_length_mm=focal_mm, f_number=self.lens.f_number)


def random_told_lens(rng: np.random.Generator, stage: StageConfig) -> ToldLens | None:
    """For the stage's shares of the samples, in turn; None for the clip's own."""
    shares = stage.any_lenses + stage.any_apertures
    if shares == 0.0:
        return None
    place = rng.random()
    if place >= shares:
        return None
    return ToldLens(any_lens(rng), keeps_focus=place >= stage.any_lenses)
