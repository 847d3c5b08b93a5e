"""What the network does with calibration samples: ranges, saturated gates, growth of the states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bokehflow.layers.bigdr import BlockScan, ScanMixer
from bokehflow.network import Network

GATE_MARGIN = 0.01
"""A gate within this of 0 or 1 is saturated."""
OUTLIER_QUANTILE = 0.999
_QUANTILE_VALUES = 65_536
"""Values a tensor that the quantile is taken of; more change it little and cost a sort."""


@dataclass
class _Range:
    low: float = float("inf")
    high: float = float("-inf")
    square_sum: float = 0.0
    count: int = 0
    quantiles: list[float] = field(default_factory=list)

    def see(self, x: Tensor) -> None:
        flat = x.detach().flatten()
        self.low = min(self.low, float(flat.min()))
        self.high = max(self.high, float(flat.max()))
        self.square_sum += float(flat.double().square().sum())
        self.count += flat.numel()
        step = max(1, flat.numel() // _QUANTILE_VALUES)
        self.quantiles.append(float(torch.quantile(flat[::step].abs(), OUTLIER_QUANTILE)))

    def facts(self) -> dict[str, float]:
        largest = max(abs(self.low), abs(self.high))
        usual = max(self.quantiles)
        return {
            "min": self.low,
            "max": self.high,
            "rms": (self.square_sum / self.count) ** 0.5,
            f"quantile_{OUTLIER_QUANTILE}": usual,
            "outlier_ratio": largest / usual if usual > 0 else 1.0,
        }


class Observer:
    """Watches a network while samples go through it. `watching` installs and removes it."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._ranges: dict[str, _Range] = {}
        self._gates: dict[str, list[tuple[float, float, float]]] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record the input of every linear and convolution layer, and every scan's gates."""
        handles = []
        scans: list[tuple[ScanMixer, BlockScan]] = []
        for name, module in self._network.named_modules():
            if isinstance(module, nn.Linear | nn.Conv2d):
                handles.append(module.register_forward_pre_hook(self._reader(name)))
            if isinstance(module, ScanMixer):
                scans.append((module, module.scan))
                module.scan = self._gate_reader(name, module.scan)
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()
            for mixer, scan in scans:
                mixer.scan = scan

    def _reader(self, name: str) -> Any:
        def see(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self._ranges.setdefault(name, _Range()).see(inputs[0])

        return see

    def _gate_reader(self, name: str, scan: BlockScan) -> BlockScan:
        def run(
            qkv: Tensor,
            log_decay: Tensor,
            beta: Tensor,
            start: Any,
            height: int,
            width: int,
            /,
        ) -> tuple[Tensor, Tensor]:
            """The block's scan, whose gates are looked at in passing."""
            keeps = float((log_decay > np.log1p(-GATE_MARGIN)).float().mean())
            closed = float((beta < GATE_MARGIN).float().mean())
            opened = float((beta > 1.0 - GATE_MARGIN).float().mean())
            self._gates.setdefault(name, []).append((keeps, closed, opened))
            return scan(qkv, log_decay, beta, start, height, width)

        return run

    def facts(self) -> dict[str, Any]:
        """`layer_inputs`: range of every layer's input. `gates`: the mean share of tokens that keep
        everything (alpha near 1), write nothing (beta near 0), overwrite (beta near 1)."""
        gates = {
            name: dict(
                zip(
                    ("alpha_near_1", "beta_near_0", "beta_near_1"),
                    np.mean(seen, axis=0).round(6).tolist(),
                    strict=True,
                )
            )
            for name, seen in self._gates.items()
        }
        return {
            "layer_inputs": {name: seen.facts() for name, seen in self._ranges.items()},
            "gates": gates,
        }


def state_growth(norms: Sequence[tuple[int, list[float]]]) -> list[dict[str, Any]]:
    """For every frame number within its run, the mean norm of each block's state after it.

    norms: frame number and norms of the state by block, one entry a sample.
    """
    by_step: dict[int, list[list[float]]] = {}
    for step, by_block in norms:
        by_step.setdefault(step, []).append(by_block)
    return [
        {"frame": step, "samples": len(rows), "norms": np.mean(rows, axis=0).round(6).tolist()}
        for step, rows in sorted(by_step.items())
    ]


def state_norms(scan_state: Tensor) -> list[float]:
    """Frobenius norm of each block's state; scan_state: [1, blocks, 4 x H, d, d]."""
    return [float(block.norm()) for block in scan_state[0]]
