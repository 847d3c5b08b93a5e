from __future__ import annotations

import pytest
import torch

from bokehflow.errors import SizeError
from bokehflow.media.side_by_side import side_by_side, side_by_side_width

HEIGHT, WIDTH = 121, 161


def test_both_pictures_are_there_untouched_below_their_names() -> None:
    left, right = torch.rand(2, 1, 3, HEIGHT, WIDTH).mul(255).round().div(255)
    both = side_by_side(left, right)
    below = HEIGHT // 2
    assert both.shape[2:] == (HEIGHT, side_by_side_width(HEIGHT, WIDTH))
    assert torch.equal(both[..., below:, :WIDTH], left[..., below:, :])
    assert torch.equal(both[..., below:, -WIDTH:], right[..., below:, :])
    assert torch.equal(both[..., WIDTH:-WIDTH], torch.ones_like(both[..., WIDTH:-WIDTH]))


def test_each_picture_carries_its_name() -> None:
    grey = torch.full((1, 3, HEIGHT, WIDTH), 0.5)
    one = side_by_side(grey, grey, ("sharp", "blurred"))
    other = side_by_side(grey, grey, ("sharp", "soft"))
    assert torch.equal(one[..., :WIDTH], other[..., :WIDTH])
    assert not torch.equal(one[..., -WIDTH:], other[..., -WIDTH:])
    corner = one[..., : HEIGHT // 4, : WIDTH // 2]
    assert corner.min() == 0.0
    assert corner.max() > 2 * grey.max() - 0.1


def test_sizes_must_agree() -> None:
    with pytest.raises(SizeError, match="one size"):
        side_by_side(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 9))
