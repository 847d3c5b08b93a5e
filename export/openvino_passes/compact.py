"""A smaller OpenVINO model that every device compiles to the same thing: nothing is rounded.

Large constants are stored in fewer bytes behind operations that are folded away when a device
compiles the model. Arithmetic on shapes, which are all known, is done here; equal constants are
stored once; values inside the graph lose the names that ONNX gave them. Nodes keep theirs.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bokehflow.export.stored_form import (
    SMALLEST_WORTH_IT,
    Form,
    Narrowed,
    OneValue,
    OuterSum,
    Plain,
    Tiled,
    stored_form,
)

_SHAPES_TO_FOLD = frozenset({"Constant", "Convolution", "GroupConvolution"})
"""Whose shapes are read for anything but a scan. Around the loops of the scans they stay: the
compiler looks for them there when it fuses (`gated_delta_net.py`)."""
_OWN_CONSTANTS = frozenset({"FakeQuantize", "HardSigmoid"})
"""Whose constants are no one else's: tools change the ranges of quantizers, and a device that
computes in half precision puts conversions between constants and those readers that stay in single
precision, which its HardSigmoid cannot read from."""


def compact(model: Any, openvino: Any, *, exact_halves: bool = True) -> None:
    """Store less of a model; changes it in place. openvino: the package.

    exact_halves: whether to store floats in half precision where that changes none of them. Not
    before OpenVINO's own rounding to half precision, which leaves models alone that hold some.
    """
    _fold_shapes(model, openvino)
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Constant" and _size(node.output(0)) >= SMALLEST_WORTH_IT:
            _store_in_less(node, openvino.opset13, exact_halves)
    _share_constants(model)
    _forget_value_names(model)


def _fold_shapes(model: Any, openvino: Any) -> None:
    for node in model.get_ordered_ops():
        if _is_shape_arithmetic(node):
            inputs = [_value(source.get_node(), openvino) for source in node.input_values()]
            results = [openvino.Tensor(o.get_element_type(), o.get_shape()) for o in node.outputs()]
            if node.evaluate(results, inputs):
                for output, result in zip(node.outputs(), results, strict=True):
                    _replace(output, openvino.opset13.constant(np.array(result.data)))


def _is_shape_arithmetic(node: Any) -> bool:
    """Whether a node gives few integers that follow from constants and from shapes."""
    sources = [source.get_node().get_type_name() for source in node.input_values()]
    if not sources or any(
        not output.get_element_type().is_integral_number() or _size(output) >= SMALLEST_WORTH_IT
        for output in node.outputs()
    ):
        return False
    if node.get_type_name() == "ShapeOf":
        return sources[0] in _SHAPES_TO_FOLD
    return all(kind == "Constant" for kind in sources)


def _value(node: Any, openvino: Any) -> Any:
    """What a constant holds; of anything else, whose shape alone is read, an empty tensor."""
    if node.get_type_name() == "Constant":
        return openvino.Tensor(np.array(node.get_data()))
    return openvino.Tensor(node.output(0).get_element_type(), node.output(0).get_shape())


def _store_in_less(node: Any, opset: Any, exact_halves: bool) -> None:
    values = node.get_data()
    if values.itemsize == 1:  # Codes of weights, which devices look for as they are.
        return
    form = stored_form(values, half_error=0.0 if exact_halves else None)
    if not isinstance(form, Plain):
        _take_over(node, _unpacked(form, opset))


def _unpacked(form: Form, opset: Any) -> Any:
    """Operations that give the values of a constant in some form."""
    match form:
        case Plain(values):
            return opset.constant(values)
        case OneValue(value, shape):
            return opset.broadcast(opset.constant(value), _shape(shape, opset))
        case OuterSum(outer, inner, shape):
            parts = (opset.constant(part.astype(np.int32)) for part in (outer, inner))
            whole = opset.reshape(opset.add(*parts), _shape(shape, opset), False)
            return opset.convert(whole, "i64")
        case Tiled(part, counts):
            return opset.tile(_unpacked(part, opset), _shape(counts, opset))
        case Narrowed(values, dtype):
            return opset.convert(opset.constant(values), dtype)


def _shape(lengths: tuple[int, ...], opset: Any) -> Any:
    return opset.constant(np.array(lengths, np.int64))


def _take_over(old: Any, new: Any) -> None:
    """Put a node in another's place, under its name."""
    name = old.friendly_name
    old.friendly_name = f"{name}/replaced"
    new.friendly_name = name
    _replace(old.output(0), new)


def unpack_halves(model: Any, opset: Any) -> None:
    """Turn floats stored in half precision into plain constants again; in place."""
    for node in model.get_ordered_ops():
        if node.get_type_name() == "Convert" and node.get_element_type().get_type_name() == "f32":
            source = node.input_value(0).get_node()
            if source.get_type_name() == "Constant" and source.get_element_type().is_real():
                _take_over(node, opset.constant(np.asarray(source.get_data(), np.float32)))


def _share_constants(model: Any) -> None:
    """One constant for all that are equal, but for those that have to be their reader's alone."""
    first: dict[tuple[str, tuple[int, ...], bytes], Any] = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() != "Constant":
            continue
        readers = node.output(0).get_target_inputs()
        if any(reader.get_node().get_type_name() in _OWN_CONSTANTS for reader in readers):
            continue
        element, shape = str(node.get_element_type()), tuple(node.output(0).get_shape())
        kept = first.setdefault((element, shape, node.get_data().tobytes()), node)
        if kept is not node:
            _replace(node.output(0), kept)


def _forget_value_names(model: Any) -> None:
    for node in model.get_ops():
        for output in node.outputs():
            kinds = {reader.get_node().get_type_name() for reader in output.get_target_inputs()}
            if node.get_type_name() not in ("Parameter", "Result") and "Result" not in kinds:
                output.get_tensor().set_names(set())


def _size(output: Any) -> int:
    """How many elements."""
    return math.prod(output.get_shape())


def _replace(old: Any, new: Any) -> None:
    """Give every reader of an output a node's only output instead."""
    for reader in old.get_target_inputs():
        reader.replace_source_output(new.output(0))
