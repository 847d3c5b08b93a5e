"""What lies in each layer, on coarse grids too."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.rendering.bins import SoftBins
from bokehflow.rendering.coarser import Coarser
from bokehflow.rendering.contents import TELLING, Contents
from bokehflow.rendering.unmix import SURFACES, unmix
from tests.rendering.pictures import textured
from tests.tolerances import FP32_EQUAL, RENDER_FP32

RADII_PX = [-12.0, -5.0, 0.0, 4.0, 9.0]
COARSER = Coarser([SURFACES, 4])


def sorted_into_layers(light: Tensor, radius_px: Tensor) -> tuple[SoftBins, Contents]:
    bins = SoftBins(unmix(light, radius_px), RADII_PX)
    return bins, Contents(bins, len(RADII_PX), COARSER)


def slope(height: int, width: int) -> Tensor:
    return torch.linspace(-11.0, 8.0, width).expand(1, 1, height, width)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_layers_add_up_to_the_picture(level: int) -> None:
    light = textured(32, 48)
    _, contents = sorted_into_layers(light, slope(32, 48))
    total = torch.stack([contents.own(i, level) for i in range(len(RADII_PX))]).sum(0)
    whole = torch.cat([light, torch.ones_like(light[:, :1])], 1)
    if level:
        whole = F.avg_pool2d(whole, 2)
    for _ in range(level - 1):
        whole = COARSER(whole)
    torch.testing.assert_close(total, whole, atol=FP32_EQUAL, rtol=0)


@pytest.mark.parametrize("edge", [17, 18, 19, 20])
@pytest.mark.parametrize(("left_px", "right_px"), [(-8.0, 6.0), (7.0, -3.0)])
def test_two_planes_are_parted_at_half_size_as_at_full(
    left_px: float, right_px: float, edge: int
) -> None:
    """Wherever the outline lies on the grid of cells, each side keeps its own colour: the last
    pixels of the nearer one show some of the other behind them."""
    left, right = torch.tensor([0.9, 0.2, 0.1]), torch.tensor([0.1, 0.3, 0.8])
    is_left = torch.arange(40) < edge
    light = torch.where(is_left, left[:, None], right[:, None])[None, :, None].repeat(1, 1, 16, 1)
    last, behind = (edge - 1, right) if left_px > right_px else (edge, left)
    light[..., last] = 0.7 * light[..., last] + 0.3 * behind[:, None]
    radius_px = torch.where(is_left, left_px, right_px).expand(1, 1, 16, 40)
    bins, contents = sorted_into_layers(light, radius_px)
    for index in range(len(RADII_PX)):
        exact = F.avg_pool2d(bins.own(index), 2)
        torch.testing.assert_close(contents.own(index, 1), exact, atol=RENDER_FP32, rtol=0)


def test_cells_tell_of_a_layer_less_for_every_one_that_hides_it() -> None:
    _, contents = sorted_into_layers(textured(32, 48), slope(32, 48))
    layers = [0, 1, 2]
    seen = contents.seen(layers, 2)
    means = [F.avg_pool2d(contents.own(index, 1), 2) for index in range(len(RADII_PX))]
    for number, index in enumerate(layers):
        at_or_behind = torch.stack([mean[:, -1:] for mean in means[: index + 1]]).sum(0)
        hiding = [TELLING**n * mean[:, -1:] for n, mean in enumerate(means[index + 1 :], 1)]
        told = at_or_behind + torch.stack(hiding).sum(0)
        torch.testing.assert_close(seen.weights[number][None], told, atol=FP32_EQUAL, rtol=0)
        assert torch.equal(seen.values[number][None], means[index])
