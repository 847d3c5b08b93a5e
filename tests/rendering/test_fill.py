"""Push-pull fill: no holes, no bias."""

import pytest
import torch

from bokehflow.rendering.fill import push_pull
from tests.tolerances import FP32_EQUAL


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 9), (37, 53), (64, 64)])
def test_a_constant_fills_everything_from_half_a_picture(size: tuple[int, int]) -> None:
    height, width = size
    seen = (torch.arange(width) <= width // 2).float().expand(1, 1, height, width)
    filled = push_pull(0.7 * seen.expand(1, 3, height, width), seen)
    torch.testing.assert_close(filled, torch.full_like(filled, 0.7), atol=FP32_EQUAL, rtol=0)


def test_what_is_seen_stays() -> None:
    values = torch.rand(2, 3, 21, 34, generator=torch.Generator().manual_seed(0))
    filled = push_pull(values, torch.ones(2, 1, 21, 34))
    torch.testing.assert_close(filled, values, atol=FP32_EQUAL, rtol=0)


def test_partly_seen_cells_are_not_darkened() -> None:
    weight = torch.full((1, 1, 8, 8), 0.3)
    filled = push_pull(0.5 * weight, weight)
    torch.testing.assert_close(filled, torch.full_like(filled, 0.5), atol=FP32_EQUAL, rtol=0)


def test_nothing_seen_gives_nothing() -> None:
    assert push_pull(torch.zeros(1, 2, 9, 9), torch.zeros(1, 1, 9, 9)).abs().max() == 0.0
