"""A convolution of shuffled pixels may be done before they are shuffled."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from bokehflow.export.lowering.heads import LoweredHead, before_shuffle
from bokehflow.layers.heads import DenseHead
from tests.tolerances import FP32_EQUAL, relative_rms


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(1, 1), (5, 3), (2, 8)])
def test_before_the_shuffle_or_after_is_the_same(size: tuple[int, int], bias: bool) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 5, 3, padding=1, bias=bias)
    x = torch.randn(1, 12, *size)
    expected = layer(F.pixel_shuffle(x, 2)).detach()
    found = F.pixel_shuffle(before_shuffle(layer)(x), 2).detach()
    assert relative_rms(expected, found) < FP32_EQUAL


def test_a_lowered_head_shuffles_no_more_maps_than_it_returns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    head = DenseHead(channels=48, width=32, levels=1, out_channels=1)
    levels, half_size = [torch.randn(1, 15, 48)], torch.randn(1, 24, 6, 10)
    expected = head(levels, half_size)
    shuffled = []
    shuffle = F.pixel_shuffle
    monkeypatch.setattr(
        F, "pixel_shuffle", lambda x, factor: shuffled.append(x.shape[1]) or shuffle(x, factor)
    )
    found = LoweredHead(head)(levels, half_size)
    assert relative_rms(expected.detach(), found.detach()) < FP32_EQUAL
    assert shuffled[-1] == 4
