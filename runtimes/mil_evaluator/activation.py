"""Activations.

Source: the operation docstrings of coremltools 9.0 (iOS 15 and iOS 17 operation sets).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import ArtifactError
from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands


def _plain(function: Callable[[Tensor], Tensor]) -> Handler:
    return lambda op: function(op.real("x"))


def _alpha(function: Callable[[Tensor, float], Tensor]) -> Handler:
    return lambda op: function(op.real("x"), op.number("alpha"))


def _alpha_beta(function: Callable[[Tensor, float, float], Tensor]) -> Handler:
    return lambda op: function(op.real("x"), op.number("alpha"), op.number("beta"))


def _gelu(op: Operands) -> Tensor:
    x, mode = op.real("x"), op.text("mode")
    if mode == "EXACT":
        return F.gelu(x)
    if mode == "TANH_APPROXIMATION":
        return F.gelu(x, approximate="tanh")
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    raise ArtifactError(f"gelu mode {mode!r}", "EXACT, TANH_APPROXIMATION or SIGMOID_APPROXIMATION")


def _per_channel(op: Operands, name: str, rank: int) -> Tensor:
    """A vector over axis 1, shaped to broadcast over a tensor of that rank."""
    return op.real(name).reshape(-1, *[1] * (rank - 2))


def _prelu(op: Operands) -> Tensor:
    x = op.real("x")
    return torch.where(x > 0, x, _per_channel(op, "alpha", x.dim()) * x)


def _softplus_parametric(op: Operands) -> Tensor:
    x = op.real("x")
    alpha, beta = _per_channel(op, "alpha", x.dim()), _per_channel(op, "beta", x.dim())
    return alpha * _softplus(beta * x)


def _softplus(x: Tensor) -> Tensor:
    """log(1 + e^x) without the linear branch that torch switches to above 20."""
    return torch.logaddexp(x, x.new_zeros(()))


HANDLERS: Mapping[str, Handler] = {
    "relu": _plain(F.relu),
    "relu6": _plain(F.relu6),
    "sigmoid": _plain(torch.sigmoid),
    "silu": _plain(F.silu),
    "softplus": _plain(_softplus),
    "softsign": _plain(F.softsign),
    "tanh": _plain(torch.tanh),
    "elu": _alpha(F.elu),
    "leaky_relu": _alpha(F.leaky_relu),
    "thresholded_relu": _alpha(lambda x, alpha: torch.where(x < alpha, 0.0, x)),
    "clamped_relu": _alpha_beta(lambda x, a, b: torch.where(x >= 0, x, a * x).clamp(max=b)),
    "linear_activation": _alpha_beta(lambda x, a, b: a * x + b),
    "scaled_tanh": _alpha_beta(lambda x, a, b: a * torch.tanh(b * x)),
    "sigmoid_hard": _alpha_beta(lambda x, a, b: (a * x + b).clamp(0.0, 1.0)),
    "gelu": _gelu,
    "prelu": _prelu,
    "softplus_parametric": _softplus_parametric,
    "softmax": lambda op: op.real("x").softmax(op.integer("axis")),
}
