"""What a variant costs before anything is measured: parameters, state, arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from bokehflow.export.trace import example_inputs
from bokehflow.layers.temporal import state_shapes
from bokehflow.network import Network
from bokehflow.pipeline import Pipeline
from bokehflow.rendering import RenderConfig
from bokehflow.specs import MOBILE_FRAME, MOBILE_NETWORK, Size, Variant

FLOAT_BYTES = 4
PROFILES: dict[str, tuple[Size, Size]] = {
    "mobile": (MOBILE_FRAME, MOBILE_NETWORK),
    "full": (MOBILE_FRAME, MOBILE_FRAME),
}


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """parameters: counted. state_bytes: float32, carried from frame to frame. gflop: per frame and
    profile, the products and sums of convolutions and matrix products, counted on the graph."""

    parameters: int
    state_bytes: int
    gflop: dict[str, float]


def model_facts(variant: Variant) -> ModelFacts:
    """Count a variant. Nothing is computed: shapes alone go through the model."""
    network = Network(variant)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    floats = sum(math.prod(shape) for shape in state_shapes(variant).values())
    gflop = {name: _gflop(network, *sizes) for name, sizes in PROFILES.items()}
    return ModelFacts(parameters, FLOAT_BYTES * floats, gflop)


def _gflop(network: Network, frame: Size, network_size: Size) -> float:
    pipeline = Pipeline(network, frame, network_size, RenderConfig()).to("meta")
    inputs = (each.to("meta") for each in example_inputs(pipeline))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        pipeline(*inputs)
    return float(counter.get_total_flops()) / 1e9
