"""The renderers of the quality table, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from bokehflow.benchmarks.quality import baselines
from bokehflow.calibration.aperture import Aperture
from bokehflow.errors import UnknownNameError
from bokehflow.optics import Lens
from bokehflow.rendering import Quality, RenderConfig, render

HIGHLIGHT_RECOVERY = 1.0
NO_BLUR = "no blur"
"""The row that every other is held against: the frame as it was."""


class Renderer(Protocol):
    """Anything that can be scored: a function from the sharp frame to the blurred picture."""

    def __call__(self, frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:
        """Render [1, 3, H, W] (sRGB 0..1) with depth [1, 1, H, W] (metres) into the same shape."""


def mobile(frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:
    """BokehFlow's renderer at quality "mobile"."""
    config = RenderConfig("mobile", aperture.blades, aperture.rotation_deg)
    return render(frame, depth_m, lens, config)


def best(frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:
    """BokehFlow's renderer at quality "best"."""
    config = RenderConfig("best", aperture.blades, aperture.rotation_deg)
    return render(frame, depth_m, lens, config)


def best_with_highlights(frame: Tensor, depth_m: Tensor, lens: Lens, aperture: Aperture) -> Tensor:
    """The same, giving clipped highlights their own light once more on top."""
    config = RenderConfig("best", aperture.blades, aperture.rotation_deg, HIGHLIGHT_RECOVERY)
    return render(frame, depth_m, lens, config)


RENDERERS: dict[str, Renderer] = {
    NO_BLUR: baselines.no_blur,
    "gaussian": baselines.gaussian,
    "naive gather": baselines.naive_gather,
    "bin-and-blur": baselines.bin_and_blur,
    "bin-and-blur normalised": baselines.bin_and_blur_normalised,
    "document layers": baselines.document_layers,
    "mobile": mobile,
    "best": best,
    "best with highlights": best_with_highlights,
}
"""Every row of the table, in its order."""
OURS: tuple[Quality, ...] = ("mobile", "best")


def choose_renderers(names: Sequence[str]) -> dict[str, Renderer]:
    """The renderers of these names, all if there are none; "no blur" is always among them.

    Raises UnknownNameError for a name that is not in `RENDERERS`.
    """
    for name in names:
        if name not in RENDERERS:
            raise UnknownNameError("renderer", name, RENDERERS)
    wanted = {NO_BLUR, *names} if names else set(RENDERERS)
    return {name: renderer for name, renderer in RENDERERS.items() if name in wanted}
