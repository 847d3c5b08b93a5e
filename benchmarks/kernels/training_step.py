"""One training step of the Nano network on random pictures: the whole one, and its scans' cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import torch
from torch import Tensor

from bokehflow.benchmarks.kernels.timing import time_on_device
from bokehflow.layers.bigdr import ScanMixer
from bokehflow.layers.temporal import first_state
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import Size, find_variant
from bokehflow.training.batch import Batch
from bokehflow.training.checkpoint import RunState
from bokehflow.training.clip_losses import ClipLosses
from bokehflow.training.config import StageConfig, TrainConfig
from bokehflow.training.distributed import World
from bokehflow.training.ema import AveragedWeights
from bokehflow.training.gradients import RecordedGradients, StepGradients
from bokehflow.training.optimiser import build_optimiser
from bokehflow.training.step import StepResult, TrainStep
from bokehflow.training.update import RecordedUpdate, StepUpdate

BATCH, SIDE_PX = 16, 256
LENS = (50.0, 1.8, 1.5, 36.0)
"""Focal length mm, f-number, focus m, sensor width mm."""


def measure_training_step() -> dict[str, object]:
    """A step of `bfx train` that learns depth: Nano with the Triton scan, on the current CUDA
    device, as it takes it: forward and backward recorded, clipping, AdamW, averaged weights."""
    step = _real_step(torch.device("cuda"))
    return {"batch": BATCH, "side_px": SIDE_PX, "dtype": "bfloat16", "status": "measured",
            **asdict(time_on_device(step))}  # fmt: skip


def _real_step(device: torch.device) -> Callable[[], StepResult]:
    torch.manual_seed(0)
    size = Size(SIDE_PX, SIDE_PX)
    config = TrainConfig((StageConfig("depth", 10_000, (str(size),), BATCH),))
    network = Network(find_variant("nano"), ScanConfig("triton")).to(device).train()
    averaged = AveragedWeights(network, config.ema_decay)
    state = RunState(network, averaged, build_optimiser(network, config.optimiser))
    judge = ClipLosses(network, [size], None, "bf16", config.losses).to(device)
    gradients = RecordedGradients(StepGradients(judge, config.losses), network.parameters())
    frames = torch.rand(BATCH, 1, 3, SIDE_PX, SIDE_PX)
    batch = Batch(
        frames=frames,
        bokeh=frames,
        inverse_depth=torch.rand(BATCH, 1, 1, SIDE_PX, SIDE_PX),
        flow=torch.zeros(BATCH, 0, 2, SIDE_PX, SIDE_PX),
        flow_valid=torch.zeros(BATCH, 0, 1, SIDE_PX, SIDE_PX),
        lens=torch.tensor(LENS).expand(BATCH, 4),
        depth_cues=torch.ones(BATCH),
    ).to(device)
    update = RecordedUpdate(StepUpdate(state))
    step = TrainStep(config, state, gradients, update, World(0, 1, device))
    return lambda: step(batch)


NO_SCAN = "none"
"""Instead of a form of the scan: its inputs are multiplied and added up, and nothing is carried."""


def make_step(
    scan: str, device: torch.device, batch: int, side_px: int, dtype: torch.dtype
) -> Callable[[], torch.Tensor]:
    """A function that takes one training step and returns its loss.

    scan: a form, or NO_SCAN. dtype: what autocast computes in; float32 leaves everything as it is.
    The loss is the mean square of all outputs: its values mean nothing, its cost is that of any
    pointwise loss.
    """
    variant = find_variant("nano")
    torch.manual_seed(0)
    network = Network(variant, ScanConfig() if scan == NO_SCAN else ScanConfig(scan)).to(device)
    if scan == NO_SCAN:
        _leave_out_scans(network)
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)
    frame = torch.rand(batch, 3, side_px, side_px, device=device)
    lens = torch.tensor(LENS, device=device).expand(batch, 4)
    state = first_state(variant, batch, device=device)

    def step() -> torch.Tensor:
        optimiser.zero_grad()
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            output = network(frame, lens, state)
        parts = (output.inverse_depth, output.hint, output.coarse_inverse_depth)
        loss = sum((x.float().square().mean() for x in parts), torch.zeros((), device=device))
        loss.backward()
        optimiser.step()
        return loss.detach()

    return step


def _leave_out_scans(network: Network) -> None:
    def values(
        qkv: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        start: Tensor,
        height: int,  # noqa: ARG001
        width: int,  # noqa: ARG001
        /,
    ) -> tuple[Tensor, Tensor]:
        q, k, v = qkv.unbind(2)
        return v + q * k * (beta - log_decay)[..., None], start

    for module in network.modules():
        if isinstance(module, ScanMixer):
            module.scan = values
