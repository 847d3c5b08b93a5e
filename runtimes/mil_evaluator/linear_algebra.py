"""Matrix products. Sums are kept in float32 and rounded once, at the result."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands, reals


def _matmul(op: Operands) -> Tensor:
    x, y = op.real("x"), op.real("y")
    x = x.transpose(-1, -2) if op.flag("transpose_x") else x
    y = y.transpose(-1, -2) if op.flag("transpose_y") else y
    return x @ y


def _linear(op: Operands) -> Tensor:
    return F.linear(op.real("x"), op.real("weight"), op.optional_real("bias"))


def _einsum(op: Operands) -> Tensor:
    return torch.einsum(op.text("equation"), *reals(op.tensors("values")))


def _band_part(op: Operands) -> Tensor:
    """Keep `lower` diagonals below and `upper` above the main one; negative keeps them all."""
    x, lower, upper = op.tensor("x"), op.integer("lower"), op.integer("upper")
    x = x.triu(-lower) if lower >= 0 else x
    return x.tril(upper) if upper >= 0 else x


HANDLERS: Mapping[str, Handler] = {
    "matmul": _matmul,
    "linear": _linear,
    "einsum": _einsum,
    "band_part": _band_part,
}
