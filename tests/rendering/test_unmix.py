"""Mixed pixels on an outline."""

import torch

from bokehflow.rendering.unmix import unmix
from tests.rendering.pictures import stepped_radius, textured
from tests.tolerances import FP32_EQUAL, UNMIXED_SHARE


def test_no_light_is_gained_or_lost() -> None:
    light = textured(23, 41)
    near, far = unmix(light, stepped_radius(23, 41, -12.0, 9.0))
    whole = torch.cat([light, torch.ones_like(light[:, :1])], 1)
    torch.testing.assert_close(near.content + far.content, whole, atol=FP32_EQUAL, rtol=0)


def test_a_level_picture_is_left_alone() -> None:
    light = textured(9, 13)
    for surface in unmix(light, torch.full((1, 1, 9, 13), -7.5)):
        colour, share = surface.content.split([3, 1], 1)
        assert torch.equal(colour, share * light)
        assert (surface.radius_px == -7.5).all()


def test_a_quarter_covered_column_is_split_by_its_share() -> None:
    light = torch.zeros(1, 3, 9, 20)
    light[..., 10:] = 1.0
    light[..., 9] = 0.25
    radius = torch.full((1, 1, 9, 20), -8.0)
    radius[..., 10:] = 0.0
    near, far = unmix(light, radius)
    middle = (0, slice(None), 4, 9)
    share = float(near.content[middle][-1])
    assert abs(share - 0.25) < UNMIXED_SHARE
    assert float(far.content[middle][:-1].max()) < UNMIXED_SHARE * (1.0 - share)
    assert float(near.content[middle][:-1].min()) > (1.0 - UNMIXED_SHARE) * share
    assert float(near.radius_px[middle]) == 0.0
    assert float(far.radius_px[middle]) == -8.0


def test_a_pixel_whose_neighbours_explain_it_becomes_a_sum_of_their_colours() -> None:
    """What the parts are made of follows the model: share x near + (1 - share) x far."""
    near_colour, far_colour = torch.tensor([0.9, 0.2, 0.1]), torch.tensor([0.1, 0.3, 0.8])
    light = far_colour[None, :, None, None].expand(1, 3, 7, 12).clone()
    light[..., 6:] = near_colour[:, None, None]
    light[..., 5] = (0.3 * near_colour + 0.7 * far_colour)[:, None]
    radius = torch.full((1, 1, 7, 12), -9.0)
    radius[..., 6:] = 5.0
    near, far = unmix(light, radius)
    at = (0, slice(None), 3, 5)
    for content, colour in ((near.content[at], near_colour), (far.content[at], far_colour)):
        assert float((content[:3] / content[3] - colour).abs().max()) < UNMIXED_SHARE
