"""What shows through the outlines of near things: what is just behind them, whatever else the
picture holds, and nothing that comes and goes with the focus."""

import pytest
import torch
from torch import Tensor

from bokehflow.rendering import RenderConfig, Renderer
from bokehflow.rendering.config import Quality
from bokehflow.srgb import linear_to_srgb
from tests.tolerances import NO_JUMP, OUTLINE_COLOUR

HEIGHT, WIDTH = 120, 160
PATCH_PX = 6


def grid() -> tuple[Tensor, Tensor]:
    """The rows and columns of a frame, [H, W] each."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    return y, x


def disc() -> Tensor:
    """Where a disc stands, [H, W]."""
    y, x = grid()
    return (y - 60) ** 2 + (x - 60) ** 2 < 25**2


@pytest.mark.parametrize("quality", ["mobile", "best"])
@pytest.mark.parametrize(
    ("disc_px", "wall_px", "patch_px"),
    [
        (18.58, 14.63, 12.81),
        (11.37, 9.4, 5.89),
        (3.92, 3.13, 1.83),
        (1.0, 0.2, -9.0),
        (0.0, -0.72, -8.19),
        (0.0, -1.001, -3.0),
        (-4.88, -6.48, -13.12),
    ],
)
def test_a_patch_in_a_corner_colours_no_outline_far_from_it(
    disc_px: float, wall_px: float, patch_px: float, quality: Quality
) -> None:
    """Grey on grey, so that all colour at the disc comes from the patch."""
    y, x = grid()
    patch = (x >= WIDTH - PATCH_PX) & (y < PATCH_PX)
    light = torch.full((3, HEIGHT, WIDTH), 0.25)
    light[:, patch] = torch.tensor([[1.0], [0.0], [0.0]])
    light[:, disc()] = 0.05
    radius_px = torch.full((HEIGHT, WIDTH), wall_px)
    radius_px[patch], radius_px[disc()] = patch_px, disc_px
    renderer = Renderer(HEIGHT, WIDTH, RenderConfig(quality, max_radius_px=60.0))
    red, green, _ = renderer(linear_to_srgb(light)[None], radius_px[None, None])[0]
    assert float((red - green)[:, :100].abs().max()) < OUTLINE_COLOUR


@pytest.mark.parametrize("quality", ["mobile", "best"])
@pytest.mark.parametrize("bank_px", [1.0, 2.0, 3.0, 4.5])
def test_nothing_jumps_behind_a_disc_in_focus(bank_px: float, quality: Quality) -> None:
    """A wall of two halves whose blur passes a radius of the bank: a layer more has part in it."""
    _, x = grid()
    image = torch.where(x < 60, 1.0, 0.15).expand(1, 3, HEIGHT, WIDTH).clone()
    image[..., disc()] = 0.7
    renderer = Renderer(HEIGHT, WIDTH, RenderConfig(quality, max_radius_px=40.0))
    before, after = (
        renderer(image, torch.where(disc(), 0.0, -bank_px * (1.0 + change))[None, None])
        for change in (-1e-5, 1e-5)
    )
    assert float((before - after).abs().max()) < NO_JUMP
