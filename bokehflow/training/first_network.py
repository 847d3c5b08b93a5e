"""The network that a run starts from: seeded, shipped, or from a file."""

from __future__ import annotations

from pathlib import Path

from bokehflow.errors import WeightsError
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import find_variant
from bokehflow.training.ablate import ablate
from bokehflow.training.config import TrainConfig
from bokehflow.weights import load_network, shipped_weights
from bokehflow.weights.initial import initial_network

SHIPPED = "shipped"


def first_network(config: TrainConfig, scan: ScanConfig, *, restored: bool) -> Network:
    """A network with the weights that `config.initial_weights` names.

    restored: its weights will come from a checkpoint, so that no file need be there any more.
    Raises WeightsError for a file that does not fit, for "shipped" where nothing ships, and for
    weights whose depth is metric at another field of view than the run's.
    """
    variant = find_variant(config.variant)
    if restored or not config.initial_weights:
        return ablate(initial_network(variant, scan), config.ablation)
    path = Path(config.initial_weights)
    if config.initial_weights == SHIPPED:
        found = shipped_weights(variant)
        if found is None:
            raise WeightsError(f"no weights of {variant.name} ship yet", "a weights file's path")
        path = found
    network, info = load_network(variant, path, scan)
    if info.canonical_fov_deg != config.canonical_fov_deg:
        raise WeightsError(
            f"{path} is metric at {info.canonical_fov_deg:g} degrees",
            f"canonical_fov_deg = {config.canonical_fov_deg:g}, as the config says",
            "set canonical_fov_deg in the config to that of the weights",
        )
    return network
