"""Clip(a x + b, 0, 1), written with up to three nodes, as one HardSigmoid.

Soft bins and ramps are made of these by the dozen, over whole frames: one node reads and writes a
frame once where three do so three times. The result differs by a rounding of a x + b.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def fuse_hard_sigmoids(model: Any) -> int:
    """Rewrite every such chain in place; returns how many. What it leaves unread stays for others.

    model: an onnx_ir.Model whose constants are known values.
    """
    import onnx_ir

    done = 0
    for clip in list(model.graph):
        if clip.op_type != "Clip" or not _is_unit_range(clip):
            continue
        source, slope, shift = _line(clip.inputs[0])
        if source is clip.inputs[0]:
            continue
        fused = onnx_ir.node(
            "HardSigmoid", [source], {"alpha": slope, "beta": shift}, name=f"{clip.name}_fused"
        )
        fused.metadata_props.update(clip.metadata_props)
        old, new = clip.outputs[0], fused.outputs[0]
        new.name, new.shape, new.type = f"{old.name}_fused", old.shape, old.type
        onnx_ir.convenience.replace_nodes_and_values(
            model.graph, clip, [clip], [fused], [old], [new]
        )
        done += 1
    return done


def _line(value: Any) -> tuple[Any, float, float]:
    """x, a and b for which a value is a x + b, as far back as constants reach."""
    slope, shift = 1.0, 0.0
    while True:
        step = _step(value)
        if step is None:
            return value, slope, shift
        value, factor, added = step
        # value was factor * earlier + added, and what is wanted is slope * value + shift.
        slope, shift = slope * factor, slope * added + shift


def _step(value: Any) -> tuple[Any, float, float] | None:
    """For a value made of another by one operation with a constant: the other, factor, addend."""
    node = value.producer()
    if node is None or node.op_type not in ("Add", "Sub", "Mul", "Div") or len(value.uses()) != 1:
        return None
    left, right = (_scalar(each) for each in node.inputs)
    if right is not None:
        steps = {"Add": (1.0, right), "Sub": (1.0, -right), "Mul": (right, 0.0)}
        factor, added = steps.get(node.op_type) or (1.0 / right, 0.0)
        return node.inputs[0], factor, added
    if left is not None and node.op_type != "Div":
        factor, added = {"Add": (1.0, left), "Sub": (-1.0, left), "Mul": (left, 0.0)}[node.op_type]
        return node.inputs[1], factor, added
    return None


def _is_unit_range(clip: Any) -> bool:
    limits = [_scalar(value) for value in clip.inputs[1:]]
    return limits == [0.0, 1.0]


def _scalar(value: Any) -> float | None:
    """The number that a constant is, if it is one."""
    if value is None or value.const_value is None:
        return None
    array = np.asarray(value.const_value.numpy())
    return float(array.reshape(-1)[0]) if array.size == 1 else None
