"""Average and maximum over sliding windows."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from bokehflow.errors import ArtifactError
from bokehflow.runtimes.mil_evaluator.convolution import pad_spatial, spatial_padding
from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands

_AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
_MAXIMUM = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def _windows(op: Operands, x: Tensor) -> tuple[list[int], list[int], list[tuple[int, int]]]:
    """Kernel sizes, strides, and padding before and after of every spatial axis.

    Raises ArtifactError for ceil_mode: what it divides by at the edge is not documented.
    """
    if op.flag("ceil_mode"):
        raise ArtifactError(
            f"{op.kind} with ceil_mode", "floor mode", "pad the tensor before pooling instead"
        )
    kernel, strides = op.integers("kernel_sizes"), op.integers("strides")
    custom = op.integers("pad")
    return (
        kernel,
        strides,
        spatial_padding(op.text("pad_type"), custom, x.shape[2:], kernel, strides),
    )


def _avg_pool(op: Operands) -> Tensor:
    """Mean over each window; padding counts as zeros, or not at all where the program says so."""
    x = op.real("x")
    kernel, strides, pairs = _windows(op, x)
    pool = _AVERAGE[x.dim() - 2]
    mean = pool(pad_spatial(x, pairs), kernel, strides)
    if not op.flag("exclude_padding_from_average"):
        return mean
    covered = pool(pad_spatial(x.new_ones((1, 1, *x.shape[2:])), pairs), kernel, strides)
    return mean / covered


def _max_pool(op: Operands) -> Tensor:
    x = op.real("x")
    kernel, strides, pairs = _windows(op, x)
    return _MAXIMUM[x.dim() - 2](pad_spatial(x, pairs, -torch.inf), kernel, strides)


HANDLERS: Mapping[str, Handler] = {"avg_pool": _avg_pool, "max_pool": _max_pool}
