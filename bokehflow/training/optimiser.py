"""AdamW with weight decay where it belongs. Document, section 5.3."""

from __future__ import annotations

import torch
from torch import nn

from bokehflow.training.config import OptimiserConfig


def build_optimiser(network: nn.Module, config: OptimiserConfig) -> torch.optim.AdamW:
    """AdamW over all parameters; only weights of linear layers and convolutions decay.

    Norms, biases, gate scalars and vectors and the learned initial states do not: pulling them to
    zero is no simpler model.
    """
    decayed = {
        id(module.weight)
        for module in network.modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
    parameters = list(network.parameters())
    groups = [
        {
            "params": [p for p in parameters if id(p) in decayed],
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in parameters if id(p) not in decayed], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)
