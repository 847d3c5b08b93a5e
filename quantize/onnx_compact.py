"""A smaller ONNX file that loads as the same graph.

Large constants are stored in fewer bytes behind nodes that engines fold away when they load the
model: floats of the network in half precision, orders of tokens as sums of row and column,
tensors of one value as that value with a shape, what is repeated once, columns of zeros not at
all. Shapes of values can be inferred and are not stored.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from bokehflow.export.outer_sums import outer_sum
from bokehflow.export.repeats import SMALLEST_WORTH_IT, repeated
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
        unpacking = _unpacking(tensor.name, values, round_floats=in_network)
        if unpacking is not None:
            nodes, stored = unpacking
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


def _unpacking(name: str, values: NDArray[np.generic], *, round_floats: bool) -> _Unpacking | None:
    """How to store a constant smaller; None where nothing is gained."""
    if np.all(values == values.flat[0]):
        one = values.reshape(-1)[:1].reshape((1,) * values.ndim)
        stored = {f"{name}.value": one, f"{name}.shape": np.array(values.shape, np.int64)}
        return [helper.make_node("Expand", list(stored), [name], f"{name}/expand")], stored
    if values.dtype == np.int64 and (parts := outer_sum(values)) is not None:
        stored = {
            f"{name}.outer": parts[0],
            f"{name}.inner": parts[1],
            f"{name}.shape": np.array(values.shape, np.int64),
        }
        outer, inner, shape = stored
        return [
            helper.make_node("Add", [outer, inner], [f"{name}.grid"], f"{name}/add"),
            helper.make_node("Reshape", [f"{name}.grid", shape], [name], f"{name}/reshape"),
        ], stored
    if values.dtype == np.int8:
        return _without_zero_columns(name, values)
    if (found := repeated(values)) is not None:
        return _tiled(name, *found, round_floats)
    narrow = _narrowed(values, round_floats)
    if narrow is None:
        return None
    wide = helper.np_dtype_to_tensor_dtype(values.dtype)
    cast = helper.make_node("Cast", [f"{name}.stored"], [name], f"{name}/cast", to=wide)
    return [cast], {f"{name}.stored": narrow}


def _tiled(
    name: str, part: NDArray[np.generic], counts: tuple[int, ...], round_floats: bool
) -> _Unpacking:
    """What is repeated, stored once."""
    once, repeats = f"{name}.once", f"{name}.repeats"
    tile = helper.make_node("Tile", [once, repeats], [name], f"{name}/tile")
    smaller = None
    if part.size >= SMALLEST_WORTH_IT:
        smaller = _unpacking(once, part, round_floats=round_floats)
    nodes, stored = smaller or ([], {once: part})
    return [*nodes, tile], {**stored, repeats: np.array(counts, np.int64)}


def _without_zero_columns(name: str, codes: NDArray[np.generic]) -> _Unpacking | None:
    """Weights of heads padded with zeros: the columns that are not zero, and one that is."""
    used = codes.reshape(-1, codes.shape[-1]).any(axis=0)
    if used.all():
        return None
    place = np.where(used, np.cumsum(used) - 1, used.sum()).astype(np.int64)
    zero = np.zeros((*codes.shape[:-1], 1), codes.dtype)
    stored = {
        f"{name}.used": np.concatenate([codes[..., used], zero], axis=-1),
        f"{name}.place": place,
    }
    return [helper.make_node("Gather", list(stored), [name], f"{name}/gather", axis=-1)], stored


def _narrowed(values: NDArray[Any], round_floats: bool) -> NDArray[np.generic] | None:
    if values.dtype == np.int64 and np.abs(values).max() <= np.iinfo(np.int32).max:
        return values.astype(np.int32)
    if values.dtype == np.float32 and round_floats:
        half = values.astype(np.float16)
        error = np.abs(half.astype(np.float32) - values).max()
        if error <= HALF_PRECISION_ERROR * np.abs(values).max():
            return half
    return None


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
