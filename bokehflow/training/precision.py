"""Mixed precision: which parts of a step run in bfloat16.

bfloat16 has the range of float32, so no loss scaling is needed. Only the network runs in it; the
renderer, the losses, the optimiser and the scan's gates and state stay in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from bokehflow.errors import UnknownNameError
from bokehflow.layers.bigdr import BlockScan, ScanMixer
from bokehflow.layers.segments import SegmentStart

PRECISIONS = ("fp32", "bf16")


def check_precision(name: str) -> None:
    """Raise UnknownNameError for a precision that does not exist."""
    if name not in PRECISIONS:
        raise UnknownNameError("precision", name, PRECISIONS)


@contextmanager
def computing_in(precision: str, device: torch.device) -> Iterator[None]:
    """Matrix products and convolutions inside run in this precision."""
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        yield


def scan_with_float_gates(network: nn.Module) -> None:
    """Make every scan of the network take gates and states in float32, whatever q, k and v are."""
    for module in network.modules():
        if isinstance(module, ScanMixer):
            module.scan = _ScanWithFloatGates(module.scan)


class _ScanWithFloatGates:
    def __init__(self, scan: BlockScan) -> None:
        self.scan = scan

    def __call__(
        self,
        qkv: Tensor,
        log_decay: Tensor,
        beta: Tensor,
        initial_state: Tensor | SegmentStart | None,
        height: int,
        width: int,
    ) -> tuple[Tensor, Tensor]:
        return self.scan(qkv, log_decay.float(), beta.float(), _float(initial_state), height, width)


def _float(state: Tensor | SegmentStart | None) -> Any:
    """What a scan starts from, in float32: one state, or what its segments start from."""
    if isinstance(state, SegmentStart):
        return SegmentStart(*(part.float() for part in state))
    return None if state is None else state.float()
