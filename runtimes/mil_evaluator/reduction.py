"""Reductions over axes, and the running sum. Sums are kept in float32 and rounded at the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands

_Reduce = Callable[[Tensor, list[int], bool], Tensor]


def _axes(op: Operands, rank: int) -> list[int]:
    """The axes given, or all of them where the optional input is missing."""
    return op.integers("axes") if op.has("axes") else list(range(rank))


def _reduce(function: _Reduce) -> Handler:
    def handler(op: Operands) -> Tensor:
        x = op.real("x")
        return function(x, _axes(op, x.dim()), op.flag("keep_dims"))

    return handler


def _product(x: Tensor, axes: list[int], keep: bool) -> Tensor:
    for axis in axes:
        x = x.prod(axis, keepdim=True)
    return x if keep else x.squeeze(axes)


def _arg(function: Callable[..., Tensor]) -> Handler:
    def handler(op: Operands) -> Tensor:
        if op.has("output_dtype"):
            op.text("output_dtype")
        return function(op.real("x"), op.integer("axis"), keepdim=op.flag("keep_dims"))

    return handler


def _cumsum(op: Operands) -> Tensor:
    x, axis, exclusive = op.real("x"), op.integer("axis"), op.flag("exclusive")
    reverse = op.flag("reverse")
    x = x.flip(axis) if reverse else x
    total = x.cumsum(axis)
    if exclusive:
        # Moved on by one place: taking x off again would lose what is small beside it.
        nothing = torch.zeros_like(x.narrow(axis, 0, min(1, x.shape[axis])))
        total = torch.cat([nothing, total], axis).narrow(axis, 0, x.shape[axis])
    return total.flip(axis) if reverse else total


HANDLERS: Mapping[str, Handler] = {
    "reduce_sum": _reduce(lambda x, axes, keep: x.sum(axes, keepdim=keep)),
    "reduce_mean": _reduce(lambda x, axes, keep: x.mean(axes, keepdim=keep)),
    "reduce_max": _reduce(lambda x, axes, keep: x.amax(axes, keepdim=keep)),
    "reduce_min": _reduce(lambda x, axes, keep: x.amin(axes, keepdim=keep)),
    "reduce_prod": _reduce(_product),
    "reduce_sum_square": _reduce(lambda x, axes, keep: x.square().sum(axes, keepdim=keep)),
    "reduce_l1_norm": _reduce(lambda x, axes, keep: x.abs().sum(axes, keepdim=keep)),
    "reduce_l2_norm": _reduce(lambda x, axes, keep: x.square().sum(axes, keepdim=keep).sqrt()),
    "reduce_log_sum": _reduce(lambda x, axes, keep: x.sum(axes, keepdim=keep).log()),
    "reduce_log_sum_exp": _reduce(lambda x, axes, keep: x.logsumexp(axes, keepdim=keep)),
    "reduce_argmax": _arg(torch.argmax),
    "reduce_argmin": _arg(torch.argmin),
    "cumsum": _cumsum,
}
