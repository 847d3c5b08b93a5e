"""What moves the weights: AdamW (document, section 5.3), or Muon for the matrices.

Muon: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; scaled as in
Liu et al. 2025, arXiv 2502.16982, so that it takes AdamW's learning rate and weight decay.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from bokehflow.errors import WeightsError
from bokehflow.network import Network
from bokehflow.training.config import OptimiserConfig
from bokehflow.training.muon import StackedMuon

SMALLEST_MATRIX_SIDE = 32
"""Below it orthogonality means little, and AdamW is as good."""


class Optimiser:
    """Optimisers that share a network's parameters out between them, as one."""

    def __init__(self, parts: dict[str, torch.optim.Optimizer]) -> None:
        """parts: by name, so that a checkpoint tells whose state is whose."""
        self._parts = parts

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The parameters with their settings, as torch's optimisers hold them."""
        return [group for part in self._parts.values() for group in part.param_groups]

    def set_rate(self, learning_rate: float) -> None:
        """Take the learning rate of the next step."""
        for group in self.groups:
            group["lr"].fill_(learning_rate * group["rate"])

    def step(self) -> None:
        """Update all weights by their gradients. Reads no number that changes from step to step
        but from the device, so that it can be recorded."""
        for part in self._parts.values():
            part.step()

    def forget_gradients(self) -> None:
        """Drop all gradients."""
        for part in self._parts.values():
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """What was reached; the settings are the config's."""
        return {name: part.state_dict() for name, part in self._parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what was reached, under the settings of now.

        Raises WeightsError for the state of another kind of optimiser or of other parameters.
        """
        if set(state) != set(self._parts):
            raise WeightsError(
                f"the checkpoint's optimiser is {' and '.join(sorted(state))}",
                " and ".join(sorted(self._parts)),
                "go on with the optimiser that the run began with, or train into another folder",
            )
        for name, part in self._parts.items():
            if not _fits(part, state[name]):
                raise WeightsError(
                    f"the checkpoint's state of {name} does not fit the run's parameters",
                    "that of the same parameters",
                    "train into another folder",
                )
            settings = [_settings(group) for group in part.param_groups]
            part.load_state_dict(state[name])
            for group, own in zip(part.param_groups, settings, strict=True):
                group.update(own)


def build_optimiser(network: Network, config: OptimiserConfig) -> Optimiser:
    """AdamW over all parameters, or Muon over the linear layers' matrices and AdamW over the rest.

    Only weights of linear layers and convolutions decay. Norms, biases, gate scalars and vectors
    and the learned initial states do not: pulling them to zero is no simpler model. What takes no
    gradient is left out.
    """
    learning = _ids(p for p in network.parameters() if p.requires_grad)
    weights = [w for w in _weights(network) if id(w) in learning]
    matrices = [w for w in weights if config.method == "muon" and _is_matrix(w)]
    kept = [p for p in network.propagate.keep.parameters() if id(p) in learning]
    taken = _ids(matrices) | _ids(kept)
    rest = [p for p in network.parameters() if id(p) in learning - taken]
    decays = _ids(weights)
    groups = [
        {
            "params": [p for p in rest if id(p) in decays],
            "weight_decay": config.weight_decay,
            "rate": 1.0,
        },
        {"params": [p for p in rest if id(p) not in decays], "weight_decay": 0.0, "rate": 1.0},
        {"params": kept, "weight_decay": 0.0, "rate": config.keep_rate},
    ]
    device = next(network.parameters()).device
    adamw = torch.optim.AdamW(
        [_with_rate(group, device) for group in groups],
        fused=True,
        capturable=device.type == "cuda",
    )
    parts: dict[str, torch.optim.Optimizer] = {"adamw": adamw}
    if matrices:
        parts["muon"] = StackedMuon(
            [_with_rate({"params": matrices, "rate": 1.0}, device)],
            weight_decay=config.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        )
    return Optimiser(parts)


def _fits(part: torch.optim.Optimizer, state: Any) -> bool:
    """Whether a state is of these parameters, in the same groups, as torch keeps it."""
    match state:
        case {"param_groups": [*groups], "state": dict(moments)}:
            own = [group["params"] for group in part.state_dict()["param_groups"]]
            if not all(isinstance(group, dict) for group in groups):
                return False
            if [group.get("params") for group in groups] != own:
                return False
            parameters = [p for group in part.param_groups for p in group["params"]]
            shapes = dict(zip(itertools.chain(*own), (p.shape for p in parameters), strict=True))
            return all(
                number in shapes
                and isinstance(kept, dict)
                and all(
                    isinstance(t, Tensor) and t.shape in ((), shapes[number]) for t in kept.values()
                )
                for number, kept in moments.items()
            )
    return False


def _with_rate(group: dict[str, Any], device: torch.device) -> dict[str, Any]:
    """The group with a learning rate where the weights are, to be set before every step."""
    return {**group, "lr": torch.zeros((), device=device)}


def _weights(network: nn.Module) -> Iterator[Tensor]:
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            yield module.weight


def _is_matrix(weight: Tensor) -> bool:
    return weight.ndim == 2 and min(weight.shape) >= SMALLEST_MATRIX_SIDE


def _ids(parameters: Iterable[Tensor]) -> set[int]:
    return {id(parameter) for parameter in parameters}


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}
