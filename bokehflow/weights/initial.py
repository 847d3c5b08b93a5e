"""The seeded weights that stand in until trained ones are at hand."""

from __future__ import annotations

import threading

import torch

from bokehflow.layers.segments import TemporalConfig
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import Variant

INITIAL_SEED = 0
RESIDUAL_SCALE = 0.1
"""The untrained residual starts small: the renderer alone is already a good picture."""
_SEEDED = threading.Lock()
"""Held while PyTorch's one generator of the CPU is ours."""


def initial_network(
    variant: Variant, scan: ScanConfig | None = None, temporal: TemporalConfig | None = None
) -> Network:
    """A network with seeded initial weights; the same seed gives the same weights.

    No generator of random numbers is left otherwise than it was, and none but the CPU's is touched.
    """
    with _SEEDED, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(INITIAL_SEED)
        network = Network(variant, scan, temporal)
    with torch.no_grad():
        network.refine.third.weight.mul_(RESIDUAL_SCALE)
    return network
