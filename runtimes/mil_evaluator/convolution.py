"""Convolution and its transpose, in one to three dimensions. Sums are kept in float32."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import ArtifactError
from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands

_CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


def spatial_padding(
    kind: str,
    custom: Sequence[int],
    sizes: Sequence[int],
    extents: Sequence[int],
    strides: Sequence[int],
) -> list[tuple[int, int]]:
    """Elements added before and after each spatial axis.

    kind: valid, custom, same (the odd element after) or same_lower (the odd element before).
    custom: before and after of every axis in turn; used by `custom` only.
    sizes, extents: the input's size and the dilated kernel's size on each axis.
    Raises ArtifactError for another kind.
    """
    if kind == "valid":
        return [(0, 0)] * len(sizes)
    if kind == "custom":
        return list(zip(custom[::2], custom[1::2], strict=True))
    if kind not in ("same", "same_lower"):
        raise ArtifactError(f"pad_type {kind!r}", "valid, custom, same or same_lower")
    pairs = []
    for size, extent, stride in zip(sizes, extents, strides, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + extent - size)
        small, large = total // 2, total - total // 2
        pairs.append((small, large) if kind == "same" else (large, small))
    return pairs


def pad_spatial(x: Tensor, pairs: Sequence[tuple[int, int]], value: float = 0.0) -> Tensor:
    """Pad the last axes with a constant; `pairs` runs from the outermost of them to the last."""
    if not any(before or after for before, after in pairs):
        return x
    return F.pad(x, [amount for pair in reversed(pairs) for amount in pair], value=value)


def _extents(weight: Tensor, dilations: Sequence[int]) -> list[int]:
    return [(k - 1) * d + 1 for k, d in zip(weight.shape[2:], dilations, strict=True)]


def _conv(op: Operands) -> Tensor:
    x, weight = op.real("x"), op.real("weight")
    strides, dilations = op.integers("strides"), op.integers("dilations")
    pairs = spatial_padding(
        op.text("pad_type"), op.integers("pad"), x.shape[2:], _extents(weight, dilations), strides
    )
    symmetric = all(before == after for before, after in pairs)
    padding = [before for before, _ in pairs] if symmetric else 0
    return _CONVOLUTIONS[x.dim() - 2](
        x if symmetric else pad_spatial(x, pairs),
        weight,
        op.optional_real("bias"),
        stride=strides,
        padding=padding,
        dilation=dilations,
        groups=op.integer("groups"),
    )


def _conv_transpose(op: Operands) -> Tensor:
    """Compute the whole transposed convolution, then cut (or extend) it to the declared shape."""
    x, weight = op.real("x"), op.real("weight")
    strides, dilations = op.integers("strides"), op.integers("dilations")
    kind, custom = op.text("pad_type"), op.integers("pad")
    if op.has("output_shape"):
        op.integers("output_shape")
    whole = _TRANSPOSED[x.dim() - 2](
        x, weight, None, stride=strides, dilation=dilations, groups=op.integer("groups")
    )
    before = [0] * len(strides)
    if kind == "custom":
        before = custom[::2]
    elif kind == "same":
        before = [
            max(0, extent - stride) // 2
            for extent, stride in zip(_extents(weight, dilations), strides, strict=True)
        ]
    elif kind != "valid":
        raise ArtifactError(f"pad_type {kind!r} of conv_transpose", "valid, custom or same")
    wanted = op.shape[2:]
    missing = [
        max(0, start + size - have)
        for start, size, have in zip(before, wanted, whole.shape[2:], strict=True)
    ]
    whole = pad_spatial(whole, [(0, amount) for amount in missing])
    for axis, (start, size) in enumerate(zip(before, wanted, strict=True), start=2):
        whole = whole.narrow(axis, start, size)
    bias = op.optional_real("bias")
    return whole if bias is None else whole + bias.reshape(-1, *[1] * len(wanted))


HANDLERS: Mapping[str, Handler] = {"conv": _conv, "conv_transpose": _conv_transpose}
