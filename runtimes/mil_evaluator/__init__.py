"""Evaluates a saved Core ML ML Program where no Core ML exists, rounding as it declares."""

from bokehflow.runtimes.mil_evaluator.evaluator import Evaluator, Observer
from bokehflow.runtimes.mil_evaluator.program import Operation, Program, Reference, Variable
from bokehflow.runtimes.mil_evaluator.reading import program_of, read_package

__all__ = [
    "Evaluator",
    "Observer",
    "Operation",
    "Program",
    "Reference",
    "Variable",
    "program_of",
    "read_package",
]
