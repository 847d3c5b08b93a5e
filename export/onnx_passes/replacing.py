"""Putting one node where another was."""

from __future__ import annotations

from typing import Any


def take_place(graph: Any, old: Any, new: Any, suffix: str) -> None:
    """Let everything that reads a node's one output read that of another (onnx-ir), which gets what
    is known of the old one: its metadata, its output's shape and type, and its name with a suffix.
    """
    import onnx_ir

    new.metadata_props.update(old.metadata_props)
    before, after = old.outputs[0], new.outputs[0]
    new.name, after.name = f"{old.name}_{suffix}", f"{before.name}_{suffix}"
    after.shape, after.type = before.shape, before.type
    onnx_ir.convenience.replace_nodes_and_values(graph, old, [old], [new], [before], [after])
