"""Arithmetic, comparison and selection, element by element with broadcasting.

Source: the operation docstrings of coremltools 9.0 (iOS 15 to iOS 18 operation sets).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands


def _unary(function: Callable[[Tensor], Tensor]) -> Handler:
    return lambda op: function(op.real("x"))


def _binary(function: Callable[[Tensor, Tensor], Tensor]) -> Handler:
    return lambda op: function(op.real("x"), op.real("y"))


def _shifted(function: Callable[[Tensor], Tensor]) -> Handler:
    """log, rsqrt and inverse add `epsilon` to their input first."""
    return lambda op: function(op.real("x") + op.number("epsilon"))


def _clip(op: Operands) -> Tensor:
    return op.real("x").clamp(op.number("alpha"), op.number("beta"))


def _threshold(op: Operands) -> Tensor:
    return op.real("x").clamp(min=op.number("alpha"))


def _cast(op: Operands) -> Tensor:
    # The declared dtype of the result says the same as this text; the evaluator converts to it.
    op.text("dtype")
    return op.tensor("x")


def _select(op: Operands) -> Tensor:
    return torch.where(op.tensor("cond"), op.real("a"), op.real("b"))


HANDLERS: Mapping[str, Handler] = {
    "add": _binary(torch.add),
    "sub": _binary(torch.sub),
    "mul": _binary(torch.mul),
    "real_div": _binary(torch.true_divide),
    "floor_div": _binary(torch.floor_divide),
    "mod": _binary(torch.remainder),
    "pow": _binary(torch.pow),
    "maximum": _binary(torch.maximum),
    "minimum": _binary(torch.minimum),
    "equal": _binary(torch.eq),
    "not_equal": _binary(torch.ne),
    "less": _binary(torch.lt),
    "less_equal": _binary(torch.le),
    "greater": _binary(torch.gt),
    "greater_equal": _binary(torch.ge),
    "logical_and": _binary(torch.logical_and),
    "logical_or": _binary(torch.logical_or),
    "logical_xor": _binary(torch.logical_xor),
    "logical_not": _unary(torch.logical_not),
    "abs": _unary(torch.abs),
    "acos": _unary(torch.acos),
    "asin": _unary(torch.asin),
    "atan": _unary(torch.atan),
    "atanh": _unary(torch.atanh),
    "ceil": _unary(torch.ceil),
    "cos": _unary(torch.cos),
    "cosh": _unary(torch.cosh),
    "erf": _unary(torch.erf),
    "exp": _unary(torch.exp),
    "exp2": _unary(torch.exp2),
    "floor": _unary(torch.floor),
    "round": _unary(torch.round),
    "sign": _unary(lambda x: torch.where(x.isnan(), x, torch.sign(x))),
    "sin": _unary(torch.sin),
    "sinh": _unary(torch.sinh),
    "sqrt": _unary(torch.sqrt),
    "square": _unary(torch.square),
    "tan": _unary(torch.tan),
    "log": _shifted(torch.log),
    "rsqrt": _shifted(torch.rsqrt),
    "inverse": _shifted(torch.reciprocal),
    "clip": _clip,
    "threshold": _threshold,
    "cast": _cast,
    "select": _select,
    "identity": lambda op: op.tensor("x"),
}
