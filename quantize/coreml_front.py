"""The front of an ML Program: what some of its values depend on, and nothing else.

Recipes look at layers, and a third of the time of evaluating a frame is the renderer behind them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from bokehflow.runtimes.mil_evaluator import Program
from bokehflow.runtimes.mil_evaluator.program import references


def front_of(program: Program, values: Collection[str]) -> Program:
    """The program with these values as its outputs. Inputs stay, whether read or not."""
    needed, kept = set(values), []
    for operation in reversed(program.operations):
        if needed & {result.name for result in operation.results}:
            kept.append(operation)
            needed |= references(operation)
    return dataclasses.replace(program, operations=tuple(reversed(kept)), outputs=tuple(values))
