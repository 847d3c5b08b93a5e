"""Mixed pixels on an outline."""

import torch

from bokehflow.rendering.unmix import unmix
from tests.rendering.pictures import stepped_radius, textured
from tests.tolerances import FP32_EQUAL, UNMIXED_SHARE


def test_no_light_is_gained_or_lost() -> None:
    light = textured(23, 41)
    near, far = unmix(light, stepped_radius(23, 41, -12.0, 9.0))
    torch.testing.assert_close(
        near.share * near.light + far.share * far.light, light, atol=FP32_EQUAL, rtol=0
    )
    torch.testing.assert_close(near.share + far.share, torch.ones_like(near.share))


def test_a_level_picture_is_left_alone() -> None:
    light = textured(9, 13)
    for surface in unmix(light, torch.full((1, 1, 9, 13), -7.5)):
        assert torch.equal(surface.light, light)
        assert (surface.radius_px == -7.5).all()


def test_a_quarter_covered_column_is_split_by_its_share() -> None:
    light = torch.zeros(1, 3, 9, 20)
    light[..., 10:] = 1.0
    light[..., 9] = 0.25
    radius = torch.full((1, 1, 9, 20), -8.0)
    radius[..., 10:] = 0.0
    near, far = unmix(light, radius)
    middle = (0, slice(None), 4, 9)
    assert abs(float(near.share[middle]) - 0.25) < UNMIXED_SHARE
    assert float(far.light[middle].max()) < UNMIXED_SHARE
    assert float(near.light[middle].min()) > 1.0 - UNMIXED_SHARE
    assert float(near.radius_px[middle]) == 0.0
    assert float(far.radius_px[middle]) == -8.0
