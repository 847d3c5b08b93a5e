"""Operations that move values without changing them: they keep the stored dtype.

Source: the operation docstrings of coremltools 9.0 (iOS 15 to iOS 18 operation sets).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import ArtifactError
from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands


def _reshape(op: Operands) -> Tensor:
    # The program declares the result's shape, with 0 and -1 of the request already resolved.
    op.integers("shape")
    return op.tensor("x").reshape(op.shape)


def _expand_dims(op: Operands) -> Tensor:
    op.integers("axes")
    return op.tensor("x").reshape(op.shape)


def _squeeze(op: Operands) -> Tensor:
    if op.has("axes"):
        op.integers("axes")
    return op.tensor("x").reshape(op.shape)


def _transpose(op: Operands) -> Tensor:
    return op.tensor("x").permute(op.integers("perm"))


def _concat(op: Operands) -> Tensor:
    values, axis = op.tensors("values"), op.integer("axis")
    if not op.flag("interleave"):
        return torch.cat(values, axis)
    # Interleaved: first slice of every input, then second slice of every input, and so on.
    axis %= values[0].dim()
    return torch.stack(values, axis + 1).flatten(axis, axis + 1)


def _stack(op: Operands) -> Tensor:
    return torch.stack(op.tensors("values"), op.integer("axis"))


def _split(op: Operands) -> Sequence[Tensor]:
    x, axis = op.tensor("x"), op.integer("axis")
    for request in ("num_splits", "split_sizes"):
        if op.has(request):
            op.integers(request)
    return torch.split(x, [result.shape[axis] for result in op.results], axis)


def _tile(op: Operands) -> Tensor:
    return op.tensor("x").repeat(op.integers("reps"))


def _reverse(op: Operands) -> Tensor:
    x = op.tensor("x")
    return x.flip(op.integers("axes") if op.has("axes") else list(range(x.dim())))


def _pad(op: Operands) -> Tensor:
    """Pad the last axes. `pad` runs from the outermost of them to the last, before and after."""
    x, amounts, mode = op.tensor("x"), op.integers("pad"), op.text("mode")
    constant = op.number("constant_val")
    pairs = list(zip(amounts[::2], amounts[1::2], strict=True))
    if mode == "constant":
        return F.pad(x, [amount for pair in reversed(pairs) for amount in pair], value=constant)
    for axis, (before, after) in zip(range(-len(pairs), 0), pairs, strict=True):
        if before or after:
            x = x.index_select(axis, _edge_indices(mode, x.shape[axis], before, after))
    return x


def _edge_indices(mode: str, size: int, before: int, after: int) -> Tensor:
    """Which element of an axis each element of the padded axis repeats."""
    index = torch.arange(-before, size + after)
    if mode == "replicate":
        return index.clamp(0, size - 1)
    if mode == "reflect":
        return (size - 1) - ((size - 1) - index.abs()).abs()
    raise ArtifactError(f"pad mode {mode!r}", "constant, reflect or replicate")


def _pixel_shuffle(op: Operands) -> Tensor:
    return F.pixel_shuffle(op.tensor("x"), op.integer("upscale_factor"))


def _pixel_unshuffle(op: Operands) -> Tensor:
    return F.pixel_unshuffle(op.tensor("x"), op.integer("downscale_factor"))


def _space_to_depth(op: Operands) -> Tensor:
    """Blocks of space become channels; the place in the block is the outer part of the channel."""
    x, size = op.tensor("x"), op.integer("block_size")
    n, c, h, w = x.shape
    blocks = x.reshape(n, c, h // size, size, w // size, size).permute(0, 3, 5, 1, 2, 4)
    return blocks.reshape(op.shape)


def _depth_to_space(op: Operands) -> Tensor:
    x, size = op.tensor("x"), op.integer("block_size")
    n, c, h, w = x.shape
    blocks = x.reshape(n, size, size, c // (size * size), h, w).permute(0, 3, 4, 1, 5, 2)
    return blocks.reshape(op.shape)


def _fill(op: Operands) -> Tensor:
    op.integers("shape")
    return op.tensor("value").reshape(()).expand(op.shape)


def _fill_like(op: Operands) -> Tensor:
    op.tensor("ref_tensor")
    return op.tensor("value").reshape(()).expand(op.shape)


HANDLERS: Mapping[str, Handler] = {
    "reshape": _reshape,
    "expand_dims": _expand_dims,
    "squeeze": _squeeze,
    "transpose": _transpose,
    "concat": _concat,
    "stack": _stack,
    "split": _split,
    "tile": _tile,
    "reverse": _reverse,
    "pad": _pad,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
    "space_to_depth": _space_to_depth,
    "depth_to_space": _depth_to_space,
    "fill": _fill,
    "fill_like": _fill_like,
}
