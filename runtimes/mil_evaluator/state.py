"""Core ML states (iOS 18): values that a program reads and replaces while it runs.

The evaluator keeps them in the table of values under the state's name, and puts the result of any
operation that has an input called `state` back there.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bokehflow.runtimes.mil_evaluator.handler import Handler
from bokehflow.runtimes.mil_evaluator.operands import Operands


def _read_state(op: Operands) -> Tensor:
    return op.tensor("input")


def _update_state(op: Operands) -> Tensor:
    op.tensor("state")
    return op.tensor("value")


HANDLERS: Mapping[str, Handler] = {
    "read_state": _read_state,
    "coreml_update_state": _update_state,
}
