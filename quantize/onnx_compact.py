"""A smaller ONNX file that loads as the same graph.

Large constants are stored in fewer bytes behind nodes that engines fold away when they load the
model: floats of the network in half precision, orders of tokens as sums of row and column,
tensors of one value as that value with a shape, what is repeated once, columns of zeros not at
all. Shapes of values can be inferred and are not stored.
"""

from __future__ import annotations

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

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
from bokehflow.quantize.layers import module_path
from bokehflow.quantize.onnx_graph import readers

HALF_PRECISION_ERROR = 2.0**-11
"""Largest error of a stored float, against the tensor's largest value."""


def compact(proto: onnx.ModelProto) -> None:
    """Store large constants in fewer bytes; changes the model in place.

    Only floats of the network itself are rounded, and only where half precision holds them to
    HALF_PRECISION_ERROR: what the renderer and the resampling use is kept.
    """
    users = readers(proto)
    for tensor in list(proto.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.size < SMALLEST_WORTH_IT:
            continue
        in_network = all(
            module_path(node.name).startswith("network.") for node in users.get(tensor.name, [])
        )
        form = stored_form(values, half_error=HALF_PRECISION_ERROR if in_network else None)
        nodes, stored = _unpacking(tensor.name, form)
        if nodes:
            proto.graph.initializer.remove(tensor)
            proto.graph.initializer.extend(
                numpy_helper.from_array(np.ascontiguousarray(v), n) for n, v in stored.items()
            )
            for node in reversed(nodes):
                proto.graph.node.insert(0, node)
    _forget_shapes(proto)
    _shorten_value_names(proto)


_Unpacking = tuple[list[onnx.NodeProto], dict[str, NDArray[np.generic]]]
"""Nodes that make a constant, in order, and the constants that they read, by name."""


def _unpacking(name: str, form: Form) -> _Unpacking:
    """How to make a constant of its form; no nodes where it stays as it is."""
    match form:
        case Plain(values):
            is_codes = values.dtype == np.int8
            return _without_zero_columns(name, values) if is_codes else ([], {name: values})
        case OneValue(value, shape):
            stored = {
                f"{name}.value": np.full((1,) * len(shape), value),
                f"{name}.shape": np.array(shape, np.int64),
            }
            return [helper.make_node("Expand", list(stored), [name], f"{name}/expand")], stored
        case OuterSum(outer, inner, shape):
            grid = f"{name}.grid"
            parts = {f"{name}.outer": outer, f"{name}.inner": inner}
            lengths = {f"{name}.shape": np.array(shape, np.int64)}
            return [
                helper.make_node("Add", list(parts), [grid], f"{name}/add"),
                helper.make_node("Reshape", [grid, *lengths], [name], f"{name}/reshape"),
            ], {**parts, **lengths}
        case Tiled(part, counts):
            once, repeats = f"{name}.once", f"{name}.repeats"
            nodes, stored = _unpacking(once, part)
            tile = helper.make_node("Tile", [once, repeats], [name], f"{name}/tile")
            return [*nodes, tile], {**stored, repeats: np.array(counts, np.int64)}
        case Narrowed(values, dtype):
            narrow, wide = f"{name}.stored", helper.np_dtype_to_tensor_dtype(dtype)
            cast = helper.make_node("Cast", [narrow], [name], f"{name}/cast", to=wide)
            return [cast], {narrow: values}


def _without_zero_columns(name: str, codes: NDArray[np.generic]) -> _Unpacking:
    """Weights of heads padded with zeros: the columns that are not zero, and one that is."""
    used = codes.reshape(-1, codes.shape[-1]).any(axis=0)
    if used.all():
        return [], {name: codes}
    place = np.where(used, np.cumsum(used) - 1, used.sum()).astype(np.int64)
    zero = np.zeros((*codes.shape[:-1], 1), codes.dtype)
    stored = {
        f"{name}.used": np.concatenate([codes[..., used], zero], axis=-1),
        f"{name}.place": place,
    }
    return [helper.make_node("Gather", list(stored), [name], f"{name}/gather", axis=-1)], stored


def _forget_shapes(proto: onnx.ModelProto) -> None:
    """Drop stored shapes of values, but for those of contributed operators."""
    contributed = {output for node in proto.graph.node if node.domain for output in node.output}
    kept = [value for value in proto.graph.value_info if value.name in contributed]
    del proto.graph.value_info[:]
    proto.graph.value_info.extend(kept)
    for node in proto.graph.node:
        del node.metadata_props[:]
        node.ClearField("doc_string")


def _shorten_value_names(proto: onnx.ModelProto) -> None:
    """Number what is neither an input nor an output; nodes keep the names of their modules."""
    graph = proto.graph
    public = {value.name for value in (*graph.input, *graph.output)}
    short: dict[str, str] = {"": ""}

    def name_of(name: str) -> str:
        return name if name in public else short.setdefault(name, f"v{len(short):x}")

    for tensor in (*graph.initializer, *graph.value_info):
        tensor.name = name_of(tensor.name)
    for node in graph.node:
        node.input[:] = [name_of(name) for name in node.input]
        node.output[:] = [name_of(name) for name in node.output]
