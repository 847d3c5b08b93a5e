"""What a handler is: a function from the operands of one operation to its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from bokehflow.runtimes.mil_evaluator.operands import Operands

Handler = Callable[[Operands], Tensor | Sequence[Tensor]]
"""Computes in float32; the evaluator rounds every result to the dtype that the program declares."""
