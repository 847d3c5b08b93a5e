"""A picture blurred tile by tile is the one blurred in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from bokehflow.model import ModelConfig, load_model
from bokehflow.optics import Lens
from bokehflow.rendering import RenderConfig, functional, render
from bokehflow.rendering.bank import COARSEST_CELL_PX, radius_bank
from bokehflow.rendering.blur import LensBlur
from bokehflow.rendering.config import Quality
from bokehflow.rendering.contents import Contents
from bokehflow.rendering.tiles import TiledBlur, spans
from tests.rendering.pictures import stepped_radius, textured
from tests.tolerances import RENDER_FP32

SMALL_PX = 20_000
"""So few that a tile is as wide as what is around it."""


def blur(quality: Quality, max_px: float, blades: int = 0) -> LensBlur:
    return LensBlur(radius_bank(quality, max_px, max_px), 3, blades, 20.0)


def with_lamps(height: int, width: int) -> Tensor:
    """Lamps a thousand times as bright as the rest, on and beside the borders of tiles."""
    light = textured(height, width)
    light[..., 31::64, 47::80] = 50.0
    return light


@pytest.mark.parametrize("quality", ["mobile", "best"])
@pytest.mark.parametrize(("radius_px", "max_px"), [(6.0, 8.0), (24.0, 60.0), (90.0, 60.0)])
def test_tiles_join_without_a_seam(quality: Quality, radius_px: float, max_px: float) -> None:
    size = (421, 675)
    light, radius = with_lamps(*size), stepped_radius(*size, -radius_px, radius_px)
    whole = blur(quality, max_px, blades=5)
    expected = whole(light, radius)
    found = TiledBlur(whole, SMALL_PX)(light, radius)
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) < RENDER_FP32


def test_frames_of_a_batch_are_cut_alike() -> None:
    size = (300, 330)
    light = torch.cat([with_lamps(*size), textured(*size, 7)])
    radius = torch.cat([stepped_radius(*size, -9.0, 3.0), stepped_radius(*size, 2.0, 12.0)])
    whole = blur("mobile", 16.0)
    torch.testing.assert_close(
        TiledBlur(whole, SMALL_PX)(light, radius), whole(light, radius), atol=RENDER_FP32, rtol=0.0
    )


def test_a_bank_in_which_nothing_is_hidden_is_cut_too() -> None:
    size = (200, 260)
    light, radius = textured(*size), torch.zeros(1, 1, *size)
    whole = LensBlur(radius_bank("mobile", 0.0, 0.0), 3, 0, 0.0)
    assert torch.equal(TiledBlur(whole, SMALL_PX)(light, radius), whole(light, radius))


@pytest.fixture
def areas(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of all that is blurred at once from now on, in px."""
    found: list[int] = []
    contents = LensBlur.contents

    def noted(self: LensBlur, light: Tensor, radius_px: Tensor) -> Contents:
        found.append(light.shape[2] * light.shape[3])
        return contents(self, light, radius_px)

    monkeypatch.setattr(LensBlur, "contents", noted)
    return found


def test_no_more_is_blurred_at_once_than_was_agreed(areas: list[int]) -> None:
    most, size = 200_000, (900, 1300)
    TiledBlur(blur("mobile", 8.0), most)(textured(*size), stepped_radius(*size, -5.0, 5.0))
    assert len(areas) > 2 * size[0] * size[1] / most
    assert max(areas) <= most


@pytest.mark.parametrize("size", [16, 160, 1008])
@pytest.mark.parametrize("side", [5, 16, 40, 100, 2000])
def test_spans_cover_a_length_in_whole_cells(size: int, side: int) -> None:
    found = spans(size, side)
    covered = [pixel for span in found for pixel in range(span.start, span.end)]
    assert covered == list(range(size))
    assert all(span.start % COARSEST_CELL_PX == 0 for span in found)
    assert max(end - start for start, end in found) <= max(side, COARSEST_CELL_PX)


@pytest.fixture
def cut_small(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Has all blurs that are made from its call on cut pictures of more than SMALL_PX."""

    def cut() -> None:
        functional._lens_blur.cache_clear()
        monkeypatch.setattr(TiledBlur.__init__, "__defaults__", (SMALL_PX,))

    yield cut
    functional._lens_blur.cache_clear()


def test_large_pictures_are_rendered_in_tiles(
    areas: list[int], cut_small: Callable[[], None]
) -> None:
    image, depth_m = textured(240, 320), torch.full((1, 1, 240, 320), 4.0)
    depth_m[..., 100:] = 1.3
    expected = render(image, depth_m, Lens(), RenderConfig("best"))
    assert len(areas) == 1
    cut_small()
    found = render(image, depth_m, Lens(), RenderConfig("best"))
    assert len(areas) > 4
    torch.testing.assert_close(found, expected, atol=RENDER_FP32, rtol=0.0)


def test_the_model_renders_large_frames_in_tiles(
    areas: list[int], cut_small: Callable[[], None]
) -> None:
    image, lens = textured(240, 320), Lens(f_number=1.2, focus_m=1.0)
    config = ModelConfig(network_size="64x96")
    expected = load_model("nano", config=config)(image, lens)
    assert len(areas) == 1
    cut_small()
    found = load_model("nano", config=config)(image, lens)
    assert len(areas) > 4
    torch.testing.assert_close(found.bokeh, expected.bokeh, atol=RENDER_FP32, rtol=0.0)
