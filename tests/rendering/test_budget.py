"""What the phone pays for a frame."""

import torch

from bokehflow.rendering import EdgeAwareUpsample, RenderConfig, Renderer
from tests.rendering.flops import count_flop
from tests.tolerances import MOBILE_GFLOP, UPSAMPLE_GFLOP


def test_mobile_renderer_at_720p_and_radius_40() -> None:
    renderer = Renderer(720, 1280, RenderConfig("mobile", max_radius_px=40.0))
    flop = count_flop(renderer, torch.rand(1, 3, 720, 1280), torch.zeros(1, 1, 720, 1280))
    assert 1e9 < flop <= MOBILE_GFLOP * 1e9


def test_upsampling_to_720p() -> None:
    upsample = EdgeAwareUpsample((288, 512), (720, 1280))
    flop = count_flop(upsample, torch.rand(1, 1, 288, 512), torch.rand(1, 3, 720, 1280))
    assert 0 < flop <= UPSAMPLE_GFLOP * 1e9
