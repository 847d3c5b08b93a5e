"""Push-pull fill: no holes, no bias."""

import pytest
import torch
from torch import Tensor

from bokehflow.rendering.fill import (
    FULL_TRUST_WEIGHT,
    WHOLE_TRUST_WEIGHT,
    Seen,
    push_pull,
    push_pull_levels,
)
from tests.tolerances import FP32_EQUAL


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 9), (37, 53), (64, 64)])
def test_a_constant_fills_everything_from_half_a_picture(size: tuple[int, int]) -> None:
    height, width = size
    seen = (torch.arange(width) <= width // 2).float().expand(1, 1, height, width)
    filled = push_pull(Seen(0.7 * seen.expand(1, 3, height, width), seen))
    torch.testing.assert_close(filled, torch.full_like(filled, 0.7), atol=FP32_EQUAL, rtol=0)


@pytest.mark.parametrize("height", [64, 45, 3, 1])
@pytest.mark.parametrize("columns", [1, 8, 16, 32, 64])
def test_little_that_is_seen_is_not_everywhere(height: int, columns: int) -> None:
    seen = (torch.arange(64) < columns).float().expand(1, 1, height, 64)
    far_off = push_pull(Seen(seen, seen))[..., -1]
    expected = torch.full_like(far_off, min(1.0, columns / 64 / WHOLE_TRUST_WEIGHT))
    torch.testing.assert_close(far_off, expected, atol=FP32_EQUAL, rtol=0)


def test_what_is_seen_stays() -> None:
    values = torch.rand(2, 3, 21, 34, generator=torch.Generator().manual_seed(0))
    filled = push_pull(Seen(values, torch.ones(2, 1, 21, 34)))
    torch.testing.assert_close(filled, values, atol=FP32_EQUAL, rtol=0)


def test_partly_seen_cells_are_not_darkened() -> None:
    weight = torch.full((1, 1, 8, 8), 0.3)
    filled = push_pull(Seen(0.5 * weight, weight))
    torch.testing.assert_close(filled, torch.full_like(filled, 0.5), atol=FP32_EQUAL, rtol=0)


def test_nothing_seen_gives_nothing() -> None:
    nothing = Seen(torch.zeros(1, 2, 9, 9), torch.zeros(1, 1, 9, 9))
    assert push_pull(nothing).abs().max() == 0.0


def naive_push_pull(values: Tensor, weights: Tensor) -> Tensor:
    """The definition for one map: means where weight is trusted, what is coarser for the rest."""
    height, width = values.shape[2:]
    if height == width == 1:
        return values / weights.clamp(min=WHOLE_TRUST_WEIGHT)
    mean = values / weights.clamp(min=1e-12)
    coarse = naive_push_pull(
        *(
            torch.nn.functional.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
            for x in (values, weights)
        )
    )
    size = (2 * coarse.shape[2], 2 * coarse.shape[3])
    behind = torch.nn.functional.interpolate(coarse, size, mode="bilinear", align_corners=False)
    trust = (weights / FULL_TRUST_WEIGHT).clamp(max=1.0)
    return trust * mean + (1.0 - trust) * behind[:, :, :height, :width]


def test_maps_of_several_sizes_are_filled_as_each_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    seen = {}
    for level, size in ((1, (38, 54)), (2, (19, 27))):
        colours, weights = (torch.rand(2, c, *size, generator=generator) for c in (3, 1))
        # Some cells are seen, some hardly, most not at all.
        weights = (weights - 0.7).clamp(min=0.0)
        seen[level] = Seen(colours * weights, weights)
    filled = push_pull_levels(seen)
    for level, (values, weights) in seen.items():
        reference = naive_push_pull(values.double(), weights.double())
        torch.testing.assert_close(
            filled[level].double(), reference, atol=FP32_EQUAL, rtol=0, msg=f"level {level}"
        )
