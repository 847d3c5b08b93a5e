"""The renderer that is exported: one frame size, one aperture, any lens."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bokehflow.errors import SizeError
from bokehflow.rendering.bank import radius_bank
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.checks import require_sides
from bokehflow.rendering.config import RenderConfig
from bokehflow.rendering.highlights import HighlightRecovery
from bokehflow.rendering.tiles import TiledBlur
from bokehflow.srgb import linear_to_srgb, srgb_to_linear


class Renderer(nn.Module):
    """The photograph a lens takes of a frame, from the frame and its signed blur radii.

    Raises SizeError for what is no size of a frame, and for frames of another.

    Static shapes, dense operations of rank <= 5, constants in buffers: the same code is the
    exported graph. What is beyond `max_radius_px` is blurred by that radius, with the outlines of
    the radii as they are: a graph cannot raise (`bokehflow.rendering.render` does).
    """

    def __init__(self, height: int, width: int, config: RenderConfig = RenderConfig()) -> None:  # noqa: B008
        super().__init__()
        require_sides(height, width)
        self.height, self.width, self.config = height, width, config
        self.max_radius_px = config.reach_px(height, width)
        bank = radius_bank(config.quality, self.max_radius_px, self.max_radius_px)
        # Kernels that gradients go through, wherever it is made.
        with torch.inference_mode(False):
            self.blur: nn.Module = LensBlur(bank, 3, config.blades, config.blade_rotation_deg)
            self.recovery = HighlightRecovery(config.highlight_recovery, height, width)

    def in_tiles(self) -> None:
        """Blur large frames tile by tile from now on: for a run of this module, not for a graph."""
        if isinstance(self.blur, LensBlur):
            self.blur = TiledBlur(self.blur)

    def forward(self, image: Tensor, radius_px: Tensor) -> Tensor:
        """The rendered frame [B, 3, H, W], sRGB 0..1.

        image: [B, 3, H, W], sRGB 0..1. radius_px: [B, 1, H, W], signed blur radius in px of the
        frame, finite, positive nearer than the focus (`optics.signed_radius_px`).
        """
        # Of numbers that a graph knows when it is made: nothing of this is in it.
        for name, channels, given in (("image", 3, image), ("radius_px", 1, radius_px)):
            expected = (channels, self.height, self.width)
            if tuple(given.shape[1:]) != expected:
                raise SizeError(
                    f"{name} of shape {list(given.shape)}",
                    f"[B, {', '.join(map(str, expected))}]",
                    "make a Renderer for frames of this size",
                )
        light = self.recovery(srgb_to_linear(image), radius_px)
        return linear_to_srgb(self.blur(light, radius_px))
