"""A step recorded as a CUDA graph against the same step computed call by call."""

from __future__ import annotations

import pytest
import torch

from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import Size
from bokehflow.training.batch import Batch, stack
from bokehflow.training.clip_losses import ClipLosses
from bokehflow.training.config import StageConfig
from bokehflow.training.gradients import RecordedGradients, StepGradients
from bokehflow.training.view import look
from tests.tolerances import RECORDED_GRADIENTS
from tests.training.samples import NO_PERCEPTUAL, SIDE_PX, TINY, stage, tiny_clip, whole_view

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]

SIZES = (Size(16, 16), Size(16, 20))
DEPTH = stage("depth")
CLIPS = stage("clips", frames=3, truncate=2, rendering="predicted_depth")
VISITS = ((DEPTH, 0, 1), (DEPTH, 1, 2), (DEPTH, 0, 3), (CLIPS, 0, 4), (CLIPS, 0, 5), (DEPTH, 1, 6))
"""Stage, size and seed: graphs are made, played again with other values, and dropped."""


def _batch(seed: int, one: StageConfig, size: Size) -> Batch:
    view = whole_view(Size(SIDE_PX, SIDE_PX))
    samples = [look(tiny_clip(seed + n, one.frames), view, size, 60.0) for n in range(2)]
    return stack(samples).to(torch.device("cuda"))


def test_recorded_gradients_are_those_computed_call_by_call() -> None:
    torch.manual_seed(5)
    network = Network(TINY, ScanConfig("triton")).cuda().train()
    judge = ClipLosses(network, SIZES, None, "fp32", NO_PERCEPTUAL).cuda()
    parameters = list(network.parameters())
    plain = StepGradients(judge, NO_PERCEPTUAL)
    recorded = RecordedGradients(plain, parameters)
    for one, index, seed in VISITS:
        batch = _batch(10 * seed, one, SIZES[index])
        wanted_losses = plain(batch, one).clone()
        wanted = [parameter.grad for parameter in parameters]
        for parameter in parameters:
            parameter.grad = None
        losses = recorded(batch, one)
        torch.testing.assert_close(losses, wanted_losses, rtol=RECORDED_GRADIENTS, atol=0.0)
        for parameter, gradient in zip(parameters, wanted, strict=True):
            assert (parameter.grad is None) == (gradient is None)
            if gradient is not None and parameter.grad is not None:
                difference = (parameter.grad - gradient).norm()
                assert difference <= RECORDED_GRADIENTS * gradient.norm() + 1e-7
            parameter.grad = None
