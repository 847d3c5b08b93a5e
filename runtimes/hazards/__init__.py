"""What in an exported graph an accelerator refuses, computes wrongly or leaves to the CPU."""

from bokehflow.runtimes.hazards.graph import Graph, Node, Value
from bokehflow.runtimes.hazards.lint import lint, opened
from bokehflow.runtimes.hazards.rules import LEVELS, Hazard

__all__ = ["LEVELS", "Graph", "Hazard", "Node", "Value", "lint", "opened"]
