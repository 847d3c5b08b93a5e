"""The front of an OpenVINO graph, as `onnx_front` has it for ONNX."""

from __future__ import annotations

from typing import Any

from bokehflow.quantize.openvino_graph import layers_of


def front_of(model: Any, openvino: Any) -> Any:
    """A copy that ends in what those layers of `layers_of` give that no layer depends on."""
    every = list(layers_of(model))
    front = _ending_in(model, every, openvino)
    ends = [name for name, layer in layers_of(front).items() if _readers(layer) == {"Result"}]
    return _ending_in(model, ends, openvino)


def with_rest(front: Any, model: Any, openvino: Any) -> Any:
    """A front, changed or not, with all that stood behind it in the whole model.

    Whatever was changed, the operations that the rest reads must have kept their names.
    """
    whole = model.clone()
    made = {op.friendly_name: op for op in front.get_ops() if op.get_type_name() != "Result"}
    for op in whole.get_ops():
        if op.friendly_name in made:
            continue
        for entry in op.inputs():
            source = entry.get_source_output()
            name = source.get_node().friendly_name
            if name in made:
                entry.replace_source_output(made[name].output(source.get_index()))
    joined = openvino.Model(whole.get_results(), front.get_parameters(), model.get_friendly_name())
    return joined.clone()


def _ending_in(model: Any, layers: list[str], openvino: Any) -> Any:
    """A copy of what these layers depend on. The clone leaves behind what hangs on its end."""
    copy = model.clone()
    ends = layers_of(copy)
    results = [openvino.opset13.result(ends[name].output(0)) for name in layers]
    return openvino.Model(results, copy.get_parameters()).clone()


def _readers(node: Any) -> set[str]:
    """The kinds of operation that read what a node gives."""
    return {entry.get_node().get_type_name() for entry in node.output(0).get_target_inputs()}
