"""The network that a run starts from, seeded, shipped or from a file, and what of it learns."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from bokehflow.errors import UnknownNameError, WeightsError
from bokehflow.network import Network
from bokehflow.scan import ScanConfig
from bokehflow.specs import find_variant
from bokehflow.training.ablate import ablate
from bokehflow.training.config import TrainConfig
from bokehflow.weights import load_network, shipped_weights
from bokehflow.weights.initial import initial_network

SHIPPED = "shipped"


def first_network(config: TrainConfig, scan: ScanConfig, *, restored: bool) -> Network:
    """A network with the weights that `config.initial_weights` names; only `config.learns` learns.

    restored: its weights will come from a checkpoint, so that no file need be there any more.
    Raises WeightsError for a file that does not fit, for "shipped" where nothing ships, and for
    weights whose depth is metric at another field of view than the run's; UnknownNameError for a
    part that the network has not.
    """
    network = _with_weights(config, scan, restored=restored)
    _let_learn(network, config.learns)
    return network


def _let_learn(network: Network, parts: tuple[str, ...]) -> None:
    """Freeze all parameters outside of these parts, if any are named."""
    known = _parts(network)
    for part in parts:
        if part not in known:
            raise UnknownNameError("part of the network", part, known)
    network.requires_grad_(not parts)
    for part in parts:
        known[part].requires_grad_()


def _parts(network: Network) -> dict[str, nn.Module]:
    """What may learn by itself: a part by its name, a block or fusion also by its number."""
    parts = dict(network.named_children())
    for name, part in network.named_children():
        if isinstance(part, nn.ModuleList):
            parts |= {f"{name}.{i}": item for i, item in enumerate(part)}
    return parts


def _with_weights(config: TrainConfig, scan: ScanConfig, *, restored: bool) -> Network:
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
