"""Reading and writing parts of a tensor by position.

Source: the operation docstrings of coremltools 9.0 (iOS 15 to iOS 18 operation sets).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands


def _slices(op: Operands, sizes: Sequence[int]) -> tuple[list[slice], list[int]]:
    """One slice an axis, and the axes that a pure index removes."""
    rank = len(sizes)
    begin, end = op.integers("begin"), op.integers("end")
    stride = op.integers("stride") if op.has("stride") else [1] * rank
    open_begin, open_end = op.flags("begin_mask", rank), op.flags("end_mask", rank)
    squeezed = [axis for axis, flag in enumerate(op.flags("squeeze_mask", rank)) if flag]
    slices = []
    for axis, size in enumerate(sizes):
        if axis in squeezed:
            index = 0 if open_begin[axis] else begin[axis]
            if not -size <= index < size:
                raise IndexError(f"index {index} of an axis of {size}")
            start = index % size
            slices.append(slice(start, start + 1, 1))
        else:
            first = None if open_begin[axis] else begin[axis]
            last = None if open_end[axis] else end[axis]
            slices.append(slice(first, last, stride[axis]))
    return slices, squeezed


def _take(x: Tensor, slices: Sequence[slice]) -> Tensor:
    """Index with slices of either direction (torch itself takes positive steps only)."""
    for axis, part in enumerate(slices):
        start, stop, step = part.indices(x.shape[axis])
        if step > 0:
            x = x[(slice(None),) * axis + (slice(start, stop, step),)]
        else:
            x = x.index_select(axis, torch.arange(start, stop, step))
    return x


def _slice_by_index(op: Operands) -> Tensor:
    x = op.tensor("x")
    slices, _ = _slices(op, x.shape)
    # The declared shape lacks the squeezed axes, whose size is one.
    return _take(x, slices).reshape(op.shape)


def _slice_by_size(op: Operands) -> Tensor:
    x, begin, size = op.tensor("x"), op.integers("begin"), op.integers("size")
    ends = [
        length if extent == -1 else start + extent
        for start, extent, length in zip(begin, size, x.shape, strict=True)
    ]
    return _take(x, [slice(start, end) for start, end in zip(begin, ends, strict=True)])


def _crop(op: Operands) -> Tensor:
    """Cut so many rows and columns away before and after."""
    (top, bottom), (left, right) = op.integers("crop_height"), op.integers("crop_width")
    x = op.tensor("x")
    return x[..., top : x.shape[-2] - bottom, left : x.shape[-1] - right]


def _slice_update(op: Operands) -> Tensor:
    x, update = op.tensor("x").clone(), op.tensor("update")
    slices, _ = _slices(op, x.shape)
    grid = [torch.arange(*part.indices(size)) for part, size in zip(slices, x.shape, strict=True)]
    target = torch.meshgrid(*grid, indexing="ij")
    x[target] = update.reshape(target[0].shape)
    return x


def _indices(op: Operands, size: int) -> Tensor:
    """Positions as int64, counted from the end where negative."""
    if op.has("validate_indices"):
        # Whether the runtime should check the range; indexing here always checks it.
        op.flag("validate_indices")
    index = op.tensor("indices").long()
    return torch.where(index < 0, index + size, index)


def _batch_dims(op: Operands) -> int:
    return op.integer("batch_dims") if op.has("batch_dims") else 0


def _gather(op: Operands) -> Tensor:
    x, axis, batch = op.tensor("x"), op.integer("axis"), _batch_dims(op)
    axis %= x.dim()
    index = _indices(op, x.shape[axis])
    if batch == 0:
        return x.index_select(axis, index.reshape(-1)).reshape(op.shape)
    # Fold the batch axes into one and gather each batch entry with its own indices.
    rows = x.reshape(-1, *x.shape[batch:])
    picks = index.reshape(rows.shape[0], -1)
    taken = [row.index_select(axis - batch, pick) for row, pick in zip(rows, picks, strict=True)]
    return torch.stack(taken).reshape(op.shape)


def _gather_along_axis(op: Operands) -> Tensor:
    x, axis = op.tensor("x"), op.integer("axis")
    return x.take_along_dim(_indices(op, x.shape[axis]), axis)


HANDLERS: Mapping[str, Handler] = {
    "slice_by_index": _slice_by_index,
    "slice_by_size": _slice_by_size,
    "crop": _crop,
    "slice_update": _slice_update,
    "gather": _gather,
    "gather_along_axis": _gather_along_axis,
}
