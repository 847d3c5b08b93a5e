"""Highlight recovery: lamps, and nothing else."""

from pathlib import Path

import pytest
import torch

from bokehflow.rendering import RenderConfig, Renderer
from bokehflow.rendering.highlights import HighlightRecovery
from tests.runtimes.mil import sqnr_db, through_package
from tests.tolerances import EXPORT_PSNR_DB, FEW_OPERATIONS


def picture_with_lamp() -> torch.Tensor:
    light = torch.full((1, 3, 60, 90), 0.1)
    light[..., 20:22, 20:22] = 1.0
    light[..., 30:60, 45:90] = 1.0
    return light


def test_a_blurred_lamp_is_scaled_and_a_white_wall_is_not() -> None:
    light = picture_with_lamp()
    out = HighlightRecovery(2.0, 60, 90)(light, torch.full((1, 1, 60, 90), -12.0))
    assert float(out[0, 0, 20, 20]) == 3.0
    assert torch.equal(out[..., 30:, 45:], light[..., 30:, 45:])
    assert torch.equal(out[..., 0:15, :], light[..., 0:15, :])


def test_in_focus_nothing_changes() -> None:
    light = picture_with_lamp()
    assert torch.equal(HighlightRecovery(2.0, 60, 90)(light, torch.zeros(1, 1, 60, 90)), light)


def test_off_means_untouched_and_on_means_brighter() -> None:
    image, radius = picture_with_lamp(), torch.full((1, 1, 60, 90), -12.0)
    off = Renderer(60, 90, RenderConfig(max_radius_px=16.0))(image, radius)
    on = Renderer(60, 90, RenderConfig(highlight_recovery=1.0, max_radius_px=16.0))(image, radius)
    assert float((on - off).max()) > 0.0
    assert float((on - off).min()) >= -1e-6


def test_print_on_white_paper_is_not_lamps() -> None:
    light = torch.full((1, 3, 60, 90), 1.0)
    light[..., ::4, :] = 0.0
    assert torch.equal(
        HighlightRecovery(2.0, 60, 90)(light, torch.full((1, 1, 60, 90), 9.0)), light
    )


def test_a_large_frame_has_the_same_lamps_and_walls() -> None:
    height, width, off_centre = 1086, 1924, 3
    light = torch.full((1, 3, height, width), 0.1)
    light[..., 400:412, 401:413] = 1.0
    light[..., 700 + off_centre :, 900 + off_centre :] = 1.0
    recovery = HighlightRecovery(2.0, height, width)
    out = recovery(light, torch.full((1, 1, height, width), -12.0))
    assert bool((out[..., 400:412, 401:413] == 3.0).all())
    out[..., 400:412, 401:413] = 1.0
    assert torch.equal(out, light)


def extra_light(width: int, share: float) -> float:
    """How many times its own light a lamp, with a radius of this share of the width, gets on top of
    it where that is to be 4."""
    height = width * 9 // 16
    y, x = torch.meshgrid(
        torch.arange(height) - height / 2, torch.arange(width) - width / 2, indexing="ij"
    )
    lamp = (share * width + 0.5 - torch.hypot(y, x)).clamp(0.0, 1.0)
    light = (0.02 + 0.98 * lamp).expand(1, 3, height, width)
    out = HighlightRecovery(4.0, height, width)(light, torch.full((1, 1, height, width), 9.0))
    return float((out - light).double().sum() / (light - 0.02).double().sum())


@pytest.mark.parametrize("width", [480, 600, 719, 721, 960, 1199, 1201, 1280])
def test_what_counts_as_a_lamp_holds_over_frame_sizes(width: int) -> None:
    assert extra_light(width, 0.008) > 3.0
    assert extra_light(width, 0.015) == pytest.approx(0.0, abs=FEW_OPERATIONS)


def test_core_ml_finds_the_same_lamps_of_a_large_frame(tmp_path: Path) -> None:
    height, width = 64, 962
    light = torch.rand(1, 1, height, width, generator=torch.Generator().manual_seed(3))
    light = torch.where(light > 0.99, 1.0, 0.5 * light).expand(1, 3, height, width).contiguous()
    radius = torch.full((1, 1, height, width), 9.0)
    module = HighlightRecovery(2.0, height, width)
    (expected,), (found,), _ = through_package(module, (light, radius), tmp_path, "fp32")
    assert bool((expected > light).any())
    assert sqnr_db(expected.numpy(), found) > EXPORT_PSNR_DB
