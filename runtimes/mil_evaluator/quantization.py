"""Activation quantisation: floats to 8-bit integers and back.

Compressed weights (`constexpr_*`) are constants of the program, unpacked when it is read.
Source: docstrings of `quantize` and `dequantize` in coremltools 9.0, iOS 17.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands


def _parameters(op: Operands, rank: int) -> tuple[Tensor, Tensor]:
    """scale and zero_point as float32, shaped to broadcast: one value, or one an axis entry."""
    scale = op.real("scale").float()
    offset = op.tensor("zero_point").float() if op.has("zero_point") else torch.zeros(())
    if not op.has("axis"):
        return scale, offset
    shape = [1] * rank
    shape[op.integer("axis")] = -1
    return scale.reshape(shape), offset.reshape(shape if offset.dim() else ())


def _quantize(op: Operands) -> Tensor:
    op.text("output_dtype")
    x = op.real("input")
    scale, offset = _parameters(op, x.dim())
    limits = torch.iinfo(op.dtype)
    return (torch.round(x / scale) + offset).clamp(limits.min, limits.max)


def _dequantize(op: Operands) -> Tensor:
    codes = op.tensor("input").float()
    scale, offset = _parameters(op, codes.dim())
    return (codes - offset) * scale


HANDLERS: Mapping[str, Handler] = {"quantize": _quantize, "dequantize": _dequantize}
