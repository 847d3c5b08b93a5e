"""What becomes of operators that torch's exporter does not know, or spells out at length."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from bokehflow.export.lowering.linear_attention import as_onnx_node


def _softplus(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:  # noqa: ARG001
    """One node where torch writes seven; beyond the threshold both are x to rounding."""
    from onnxscript import opset18

    if beta != 1.0:
        raise ValueError(f"softplus with beta={beta}")
    return opset18.Softplus(x)


def _gelu(x: Any, approximate: str = "none") -> Any:
    """In the order in which ONNX Runtime's fusion looks for it; torch's is left as five passes."""
    from onnxscript import opset18

    if approximate != "none":
        raise ValueError(f"gelu with approximate={approximate!r}")
    doubled = opset18.Mul(x, opset18.Add(opset18.Erf(opset18.Div(x, math.sqrt(2.0))), 1.0))
    return opset18.Mul(doubled, 0.5)


TRANSLATIONS: dict[Callable[..., Any], Callable[..., Any]] = {
    torch.ops.bokehflow.linear_attention.default: as_onnx_node,
    torch.ops.aten.softplus.default: _softplus,
    torch.ops.aten.gelu.default: _gelu,
}
"""By operator, as `torch.onnx.export` takes them."""
