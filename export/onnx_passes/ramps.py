"""A line from 0 to 1 as one HardSigmoid: scaled, shifted and clipped in one pass of memory."""

from __future__ import annotations

from typing import Any

from bokehflow.export.onnx_passes.replacing import take_place


def merge_ramps(model: Any) -> int:
    """Let a HardSigmoid take the place of a Clip to 0..1 and the sums and products before it.

    model: an onnx_ir.Model, changed in place. Only numbers that nothing else reads are merged; the
    nodes that made them stay for others to remove. Returns how many changed.
    """
    import onnx_ir

    done = 0
    for clip in list(model.graph):
        if clip.op_type != "Clip" or [_number(x) for x in clip.inputs[1:]] != [0.0, 1.0]:
            continue
        source, slope, start = _line(clip.inputs[0])
        # OpenVINO reads a beta of 0 as the 0.5 that it is without one.
        if source is clip.inputs[0] or start == 0.0:
            continue
        ramp = onnx_ir.node("HardSigmoid", [source], {"alpha": slope, "beta": start})
        take_place(model.graph, clip, ramp, "ramp")
        done += 1
    return done


def _line(value: Any) -> tuple[Any, float, float]:
    """x, a and b for which a value is a * x + b, as far back as that goes."""
    slope, start = 1.0, 0.0
    while (step := _step(value)) is not None:
        value, factor, summand = step
        slope, start = slope * factor, start + slope * summand
    return value, slope, start


def _step(value: Any) -> tuple[Any, float, float] | None:
    """The same for the node that makes the value, if that is what it does, and for this reader."""
    node = value.producer()
    if node is None or len(value.uses()) > 1 or node.op_type not in ("Add", "Sub", "Mul", "Div"):
        return None
    left, right = node.inputs
    if (number := _number(right)) is not None:
        if node.op_type == "Div":
            return (left, 1.0 / number, 0.0) if number else None
        return left, *{"Add": (1.0, number), "Sub": (1.0, -number), "Mul": (number, 0.0)}[
            node.op_type
        ]
    if (number := _number(left)) is None or node.op_type == "Div":
        return None
    return right, *{"Add": (1.0, number), "Sub": (-1.0, number), "Mul": (number, 0.0)}[node.op_type]


def _number(value: Any) -> float | None:
    """What a constant of one element holds."""
    import onnx_ir

    tensor = onnx_ir.convenience.get_const_tensor(value) if value is not None else None
    return float(tensor.numpy().reshape(-1)[0]) if tensor is not None and tensor.size == 1 else None
