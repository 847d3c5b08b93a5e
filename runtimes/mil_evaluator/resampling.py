"""Resizing of the last two axes: nearest neighbour and bilinear, in Core ML's sampling modes.

Source: docstrings of `upsample_bilinear`, `resize_bilinear` and `resize` in coremltools 9.0; the
formulas are those for one axis, where `size` elements become `count`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import ArtifactError
from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands

_TORCH_ALIGN_CORNERS = {"UNALIGN_CORNERS": False, "STRICT_ALIGN_CORNERS": True}
"""Core ML's names for the two modes that torch has, and torch's flag for them."""


def sampling_points(mode: str, size: int, count: int) -> Tensor:
    """Where on an axis of `size` elements each of `count` results lies: float64, 0 .. size - 1.

    Raises ArtifactError for a mode that is none of the three left to us.
    """
    index = torch.arange(count, dtype=torch.float64)
    if mode == "ALIGN_CORNERS":
        points = index * ((size - 1) / (count - 1)) if count > 1 else index + (size - 1) / 2
    elif mode == "DEFAULT":
        points = index * (size / count)
    elif mode == "OFFSET_CORNERS":
        points = (index + 0.5) * (max(1, size - 1) / count)
    else:
        raise ArtifactError(f"sampling mode {mode!r}", "one of Core ML's five")
    return points.clamp(0, size - 1)


def _bilinear(x: Tensor, shape: tuple[int, ...], mode: str) -> Tensor:
    """Interpolate the last two axes in float32, by torch where it knows the sampling mode."""
    if mode in _TORCH_ALIGN_CORNERS:
        planes = x.reshape(1, -1, *x.shape[-2:])
        align = _TORCH_ALIGN_CORNERS[mode]
        planes = F.interpolate(planes, shape[-2:], mode="bilinear", align_corners=align)
        return planes.reshape(shape)
    for axis in (-2, -1):
        size, count = x.shape[axis], shape[axis]
        points = sampling_points(mode, size, count)
        low = points.floor().long().clamp(max=max(size - 2, 0))
        high = (low + 1).clamp(max=size - 1)
        weight = (points - low).float()
        weight = weight.unsqueeze(-1) if axis == -2 else weight
        x = torch.lerp(x.index_select(axis, low), x.index_select(axis, high), weight)
    return x


def _nearest(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    for axis in (-2, -1):
        size, count = x.shape[axis], shape[axis]
        x = x.index_select(axis, torch.arange(count) * size // count)
    return x


def _upsample_bilinear(op: Operands) -> Tensor:
    # The declared shape is floor(size * factor), and the spacing follows from the two sizes.
    op.number("scale_factor_height"), op.number("scale_factor_width")
    mode = "STRICT_ALIGN_CORNERS" if op.flag("align_corners") else "UNALIGN_CORNERS"
    return _bilinear(op.real("x"), op.shape, mode)


def _upsample_nearest_neighbor(op: Operands) -> Tensor:
    op.number("scale_factor_height"), op.number("scale_factor_width")
    return _nearest(op.tensor("x"), op.shape)


def _resize_bilinear(op: Operands) -> Tensor:
    op.integer("target_size_height"), op.integer("target_size_width")
    return _bilinear(op.real("x"), op.shape, op.text("sampling_mode"))


def _resize_nearest_neighbor(op: Operands) -> Tensor:
    op.integer("target_size_height"), op.integer("target_size_width")
    return _nearest(op.tensor("x"), op.shape)


HANDLERS: Mapping[str, Handler] = {
    "upsample_bilinear": _upsample_bilinear,
    "upsample_nearest_neighbor": _upsample_nearest_neighbor,
    "resize_bilinear": _resize_bilinear,
    "resize_nearest_neighbor": _resize_nearest_neighbor,
}
