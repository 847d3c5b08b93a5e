"""The least time a layer's scan could take on a device: its bytes, and its operations."""

from __future__ import annotations

from dataclasses import dataclass

from bokehflow.benchmarks.kernels.cases import LayerCase

ROWS_FORWARD = 4
"""q, k and v read, o written."""
ROWS_BOTH = ROWS_FORWARD + 7
"""And q, k, v and the gradient of o read, the gradients of q, k and v written."""
GATES_FORWARD = 2
GATES_BOTH = GATES_FORWARD + 4
OPERATIONS_FORWARD = 8
"""Per state element and token: recall, decay, write and read, a multiply and an add each."""
OPERATIONS_BOTH = OPERATIONS_FORWARD + 22
"""And the recurrence's gradient: two updates, five products and the state once more."""


@dataclass(frozen=True, slots=True)
class Floors:
    """Milliseconds at the measured copy bandwidth and at the measured matmul rate."""

    bytes_ms: float
    operations_ms: float


def floors(
    case: LayerCase, *, gradients: bool, bytes_per_ms: float, operations_per_ms: float
) -> Floors:
    """The floors of a forward pass, or of forward and backward together.

    Every input is read once in each pass and every output written once, in the case's dtype; the
    states are too small to count. Operations are those of the token-by-token recurrence.
    """
    rows, gates = (ROWS_BOTH, GATES_BOTH) if gradients else (ROWS_FORWARD, GATES_FORWARD)
    elements = case.token_heads * (rows * case.head_size + gates)
    per_state = OPERATIONS_BOTH if gradients else OPERATIONS_FORWARD
    operations = case.token_heads * per_state * case.head_size**2
    size = case.dtype.itemsize
    return Floors(elements * size / bytes_per_ms, operations / operations_per_ms)
