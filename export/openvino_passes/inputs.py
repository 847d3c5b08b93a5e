"""Inputs that nothing reads: OpenVINO's reader drops them, and a user would be told of no such."""

from __future__ import annotations

from typing import Any

import onnx


def with_every_input(model: Any, proto: onnx.ModelProto, openvino: Any) -> Any:
    """The model with all inputs of the ONNX graph that it was read from, in their order.

    model: an openvino.Model; the same where nothing is missing.
    """
    known = {parameter.output(0).get_any_name(): parameter for parameter in model.get_parameters()}
    if len(known) == len(proto.graph.input):
        return model
    parameters = [
        known.get(value.name) or _parameter(value, openvino) for value in proto.graph.input
    ]
    return openvino.Model(model.get_results(), parameters, model.get_friendly_name())


def _parameter(value: onnx.ValueInfoProto, openvino: Any) -> Any:
    shape = [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
    parameter = openvino.opset13.parameter(shape, openvino.Type.f32, value.name)
    parameter.output(0).set_names({value.name})
    return parameter
