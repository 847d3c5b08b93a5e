"""Normalisations. Each is one operation: statistics stay in float32, the result is rounded once."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands


def _standardise(x: Tensor, axes: list[int], epsilon: float) -> Tensor:
    centred = x - x.mean(axes, keepdim=True)
    return centred * (centred.square().mean(axes, keepdim=True) + epsilon).rsqrt()


def _scale_shift(op: Operands, x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Multiply by gamma and add beta, each optional and viewed in the given shape."""
    gamma, beta = op.optional_real("gamma"), op.optional_real("beta")
    x = x if gamma is None else x * gamma.reshape(shape)
    return x if beta is None else x + beta.reshape(shape)


def _channel_shape(x: Tensor) -> tuple[int, ...]:
    return (-1, *[1] * (x.dim() - 2))


def _layer_norm(op: Operands) -> Tensor:
    x = op.real("x")
    axes = [axis % x.dim() for axis in op.integers("axes")]
    shape = tuple(size if axis in axes else 1 for axis, size in enumerate(x.shape))
    return _scale_shift(op, _standardise(x, axes, op.number("epsilon")), shape)


def _instance_norm(op: Operands) -> Tensor:
    x = op.real("x")
    normal = _standardise(x, list(range(2, x.dim())), op.number("epsilon"))
    return _scale_shift(op, normal, _channel_shape(x))


def _batch_norm(op: Operands) -> Tensor:
    x = op.real("x")
    shape = _channel_shape(x)
    mean, variance = op.real("mean").reshape(shape), op.real("variance").reshape(shape)
    normal = (x - mean) * (variance + op.number("epsilon")).rsqrt()
    return _scale_shift(op, normal, shape)


def _l2_norm(op: Operands) -> Tensor:
    """Divide by the Euclidean norm over the last three axes."""
    x = op.real("x")
    return x * (x.square().sum((-3, -2, -1), keepdim=True) + op.number("epsilon")).rsqrt()


HANDLERS: Mapping[str, Handler] = {
    "layer_norm": _layer_norm,
    "instance_norm": _instance_norm,
    "batch_norm": _batch_norm,
    "l2_norm": _l2_norm,
}
