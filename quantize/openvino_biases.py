"""Biases added to products, in a model that is to run in 8 bits, not multiplied by a joined 1.

An exported product with a bias reads its map joined with a column of ones, since ONNX Runtime adds
rows slowly. OpenVINO computes in float what reads a quantized map joined with a constant (2026.4);
to its products it adds biases at no cost. Neither are they rounded to 8 bits here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bokehflow.quantize.openvino_graph import MATRIX_PRODUCT, float_weight, is_constant


def add_biases_apart(model: Any, opset: Any) -> None:
    """Let every product with a map and a joined column of ones be one with the map alone, and the
    last row of its weight be added; changes the model in place."""
    for joined in model.get_ordered_ops():
        if not _ends_in_ones(joined):
            continue
        products = [
            entry.get_node()
            for entry in joined.output(0).get_target_inputs()
            if entry.get_index() == 0 and _is_plain_product(entry.get_node())
        ]
        if not products:
            continue
        maps, axis = joined.input_values()[:-1], joined.get_axis()
        alone = maps[0] if len(maps) == 1 else opset.concat(maps, axis).output(0)
        for node in products:
            name, weight = node.get_friendly_name(), float_weight(node)
            product = opset.matmul(alone, opset.constant(weight[..., :-1, :]), False, False)
            total = opset.add(product, opset.constant(weight[..., -1:, :]))
            node.output(0).replace(total.output(0))
            product.set_friendly_name(name)
            total.set_friendly_name(f"{name}/bias")


def _ends_in_ones(node: Any) -> bool:
    """Whether a node joins one column of ones behind what is no constant."""
    if node.get_type_name() != "Concat" or len(node.input_values()) < 2:
        return False
    last = node.input_values()[-1]
    is_column = node.get_axis() in (-1, len(last.get_shape()) - 1) and last.get_shape()[-1] == 1
    ones = last.get_node()
    if ones.get_type_name() == "Broadcast":
        ones = ones.input_value(0).get_node()
    return is_column and ones.get_type_name() == "Constant" and bool(np.all(ones.get_data() == 1))


def _is_plain_product(node: Any) -> bool:
    """Whether a node multiplies rows by a constant, neither of them transposed."""
    if node.get_type_name() != MATRIX_PRODUCT or not is_constant(node.input_value(1).get_node()):
        return False
    return not any(node.get_attributes()[name] for name in ("transpose_a", "transpose_b"))
