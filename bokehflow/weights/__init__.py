"""Weights: read, write, the ones that ship, and the seeded ones that stand in for them."""

from __future__ import annotations

from pathlib import Path

import torch

from bokehflow.errors import WeightsError
from bokehflow.layers.segments import TemporalConfig
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import Variant
from bokehflow.weights.file import (
    CANONICAL_FOV_DEG,
    WeightsInfo,
    read_weights,
    save_weights,
    weights_sha256,
)
from bokehflow.weights.initial import initial_network

__all__ = [
    "CANONICAL_FOV_DEG",
    "WeightsInfo",
    "load_network",
    "read_weights",
    "save_weights",
    "shipped_weights",
    "weights_sha256",
]


def shipped_weights(variant: Variant) -> Path | None:
    """The weights file that comes with the package, or None where there is none yet."""
    path = Path(__file__).with_name(f"{variant.name}.safetensors")
    return path if path.is_file() else None


def load_network(
    variant: Variant,
    weights: Path | None = None,
    scan: ScanConfig | None = None,
    temporal: TemporalConfig | None = None,
) -> tuple[Network, WeightsInfo]:
    """A network ready for inference, in float32, and what its weights are.

    weights: a safetensors file; None takes the shipped file, or the seeded initial weights where
    no file ships. Raises WeightsError for a file that does not fit.
    """
    network = initial_network(variant, scan, temporal)
    path = weights or shipped_weights(variant)
    if path is None:
        info = WeightsInfo(variant.name, False, weights_sha256(network.state_dict()))
        return network.eval(), info
    tensors, info = read_weights(path, variant.name)
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise WeightsError(
            f"{path} does not fit the network: {str(error).splitlines()[-1].strip()}",
            f"the tensors of {variant.name}",
        ) from error
    with torch.no_grad():
        finite = all(bool(torch.isfinite(p).all()) for p in network.parameters())
    if not finite:
        raise WeightsError(f"{path} holds values that are not finite", "finite weights")
    return network.eval(), info
