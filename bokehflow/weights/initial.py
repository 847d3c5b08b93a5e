"""The seeded weights that stand in until trained ones are at hand."""

from __future__ import annotations

import torch

from bokehflow.layers.segments import TemporalConfig
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import Variant

INITIAL_SEED = 0
RESIDUAL_SCALE = 0.1
"""The untrained residual starts small: the renderer alone is already a good picture."""


def initial_network(
    variant: Variant, scan: ScanConfig | None = None, temporal: TemporalConfig | None = None
) -> Network:
    """A network with seeded initial weights; the same seed gives the same weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(INITIAL_SEED)
        network = Network(variant, scan, temporal)
    with torch.no_grad():
        network.refine.third.weight.mul_(RESIDUAL_SCALE)
    return network
